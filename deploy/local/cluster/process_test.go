package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sleeper starts a process that does nothing until it is told to end.
func sleeper(t *testing.T, env ...string) (*exec.Cmd, Identity) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	id, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, id
}

func TestIdentity(t *testing.T) {
	t.Run("a running process is alive", func(t *testing.T) {
		if _, id := sleeper(t); !id.Alive() {
			t.Error("it is not")
		}
	})
	t.Run("a process that ended is not alive, not even as a zombie", func(t *testing.T) {
		cmd, id := sleeper(t)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if !gone(5*time.Second, id) { // nobody has waited for it yet
			t.Error("it is alive")
		}
	})
	t.Run("another process with the same pid is not signalled", func(t *testing.T) {
		for name, change := range map[string]func(*Identity){
			"started later":         func(id *Identity) { id.Start-- },
			"since another booting": func(id *Identity) { id.Boot = "another" },
		} {
			_, id := sleeper(t)
			recorded := id
			change(&recorded)
			if err := recorded.Signal(syscall.SIGKILL, -1); !errors.Is(err, errGone) || !id.Alive() {
				t.Errorf("%s: got %v, alive %v", name, err, id.Alive())
			}
		}
	})
	t.Run("another user's process is not signalled", func(t *testing.T) {
		_, id := sleeper(t)
		if err := id.Signal(syscall.SIGKILL, os.Getuid()+1); err == nil || !id.Alive() {
			t.Errorf("got %v, alive %v", err, id.Alive())
		}
	})
	t.Run("a name with brackets and spaces does not move the fields", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a) S 1 (b")
		content, err := os.ReadFile("/bin/sleep")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		if _, parent, start, err := stat(cmd.Process.Pid); err != nil || parent != os.Getpid() || start == 0 {
			t.Errorf("got parent %d, start %d, %v", parent, start, err)
		}
	})
}

func TestMarked(t *testing.T) {
	_, with := sleeper(t, marker+"="+t.Name())
	_, without := sleeper(t, marker+"="+t.Name()+"2")
	found := marked(os.Getuid(), marker+"="+t.Name())
	if len(found) != 1 || found[0] != with {
		t.Errorf("got %v, want %v and not %v", found, with, without)
	}
}

func TestEnd(t *testing.T) {
	t.Run("a process that ignores the signal is killed, and its children with it", func(t *testing.T) {
		cmd := exec.Command("bash", "-c", `trap "" TERM; sleep 61 & echo $!; wait`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 20)
		if _, err := out.Read(line); err != nil {
			t.Fatal(err)
		}
		parent, err := Identify(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		family := append(descendants(parent.PID), parent)
		if len(family) != 2 {
			t.Fatalf("got %v, child %s", family, strings.TrimSpace(string(line)))
		}
		end(parent, syscall.SIGTERM, 100*time.Millisecond, -1)
		if !gone(5*time.Second, family...) {
			t.Error("some are left")
		}
		_ = cmd.Wait()
	})
}
