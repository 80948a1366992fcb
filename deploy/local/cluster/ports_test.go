package cluster

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestNewPorts(t *testing.T) {
	none := func(string) string { return "" }
	given := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	ports, err := NewPorts(100, given("TIZZA_ETCD_PORT", "4001"))
	if err != nil || ports["auth"] != 8101 || ports[PostgresPort] != 25532 || ports[EtcdPort] != 4001 {
		t.Errorf("an offset moves all but the given: got %v, %v", ports, err)
	}
	for name, c := range map[string]struct {
		offset int
		getenv func(string) string
		want   string
	}{
		"not a number":   {0, given("TIZZA_LIKES_PORT", "many"), "TIZZA_LIKES_PORT"},
		"too far":        {60000, none, "--port-offset"},
		"the same twice": {0, given("TIZZA_LIKES_PORT", "8001"), "share port 8001"},
	} {
		if _, err := NewPorts(c.offset, c.getenv); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestFreePorts(t *testing.T) {
	ports, seen := freePorts(), map[int]bool{}
	for _, p := range allPorts() {
		if number := ports[p.name]; seen[number] || number >= ephemeral() || free(number) != nil {
			t.Errorf("%s got %d", p.name, number)
		}
		seen[ports[p.name]] = true
	}
}

func TestTakenPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	number := listener.Addr().(*net.TCPAddr).Port
	ports := Ports{EtcdPort: number}
	wanted := []port{{EtcdPort, "etcd", "etcd", "TIZZA_ETCD_PORT", 0}}

	err = ports.check(wanted, func(port) bool { return false })
	if err == nil {
		t.Fatal("nothing was said")
	}
	for _, part := range []string{strconv.Itoa(number), "etcd", "TIZZA_ETCD_PORT", "--port-offset", "(pid " + strconv.Itoa(os.Getpid()) + ")"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message does not name %q: %v", part, err)
		}
	}
	if err := ports.check(wanted, func(port) bool { return true }); err != nil {
		t.Errorf("our own port is a problem: %v", err)
	}
}

func TestInodes(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:6358 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1 0 100 0 0 10 0
   1: 0100007F:6358 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 42 1 0 100 0 0 10 0
   2: 0100007F:6359 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 43 1 0 100 0 0 10 0
`
	if got := inodes(table, 0x6358); len(got) != 1 || got[0] != "41" {
		t.Errorf("got %v", got)
	}
}

func TestRender(t *testing.T) {
	const value = `a 'quoted' $HOME "word" \`
	path := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(path, []byte(Render([]Variable{{"SECRET", value}})), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("sh", "-c", `. "$1"; printf %s "$SECRET"`, "sh", path).Output()
	if err != nil || string(got) != value {
		t.Errorf("a shell reads %q, %v", got, err)
	}
}

func TestPrivateHome(t *testing.T) {
	me := self()
	folder := t.TempDir()
	good, open, linked := filepath.Join(folder, "good"), filepath.Join(folder, "open"), filepath.Join(folder, "linked")
	for path, mode := range map[string]os.FileMode{good: 0o711, open: 0o777} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(good, linked); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{good: true, open: false, linked: false, folder + "/none": false} {
		if got := ours(path, me); got != want {
			t.Errorf("%s: got %v", filepath.Base(path), got)
		}
	}
	if ours(good, account{me.uid + 1, me.gid}) {
		t.Error("somebody else's folder is taken for ours")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(path); err == nil {
		t.Error("two hold it")
	}
	first.release()
	second, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	second.release()
}
