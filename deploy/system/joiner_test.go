package system

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

// joiner is a service that was not here when the system was built.
type joiner struct {
	t       *testing.T
	home    string // stands for a checkout, with pkg and proto of ours
	address string
	process *exec.Cmd
	log     bytes.Buffer
	left    bool
}

// copyTemplate makes and builds the copy outside our tree, so that nothing in ours can know of it.
func copyTemplate(t *testing.T) *joiner {
	t.Helper()
	five := &joiner{t: t, home: t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Join(five.home, "services"), 0o755))
	require.NoError(t, os.CopyFS(filepath.Join(five.home, "services/_template"), os.DirFS(filepath.Join(running.Root(), "services/_template"))))
	for _, module := range []string{"pkg", "proto"} {
		require.NoError(t, os.Symlink(filepath.Join(running.Root(), module), filepath.Join(five.home, module)))
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	five.address = listener.Addr().String()
	require.NoError(t, listener.Close())
	five.do("Make it yours")
	t.Cleanup(func() {
		five.stop()
		if !five.left {
			five.do("Let it go")
		}
		if t.Failed() {
			t.Logf("its log:\n%s", &five.log)
		}
	})
	return five
}

// do runs the commands of a section of its README, or of the template's as long as it has none.
func (n *joiner) do(section string) {
	n.t.Helper()
	folder := filepath.Join(n.home, "services", fifth)
	if _, err := os.Stat(folder); err != nil {
		folder = filepath.Join(n.home, "services/_template")
	}
	readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
	require.NoError(n.t, err)
	_, text, found := strings.Cut(string(readme), "\n## "+section+"\n")
	require.True(n.t, found, "the README has a section %q", section)
	_, text, found = strings.Cut(text, "\n```sh\n")
	require.True(n.t, found)
	script, _, _ := strings.Cut(text, "\n```\n")
	n.run(append(os.Environ(), n.operator()...), "bash", "-euo", "pipefail", "-c", script)
}

// operator is the environment of who has read .local/env.
func (n *joiner) operator() []string {
	address, err := url.Parse(setting["AUTH_DATABASE_URL"])
	require.NoError(n.t, err)
	address.User, address.Path = url.UserPassword("postgres", "postgres-development"), "/postgres"
	env := []string{
		"POSTGRES_URL=" + address.String(), "ETCDCTL_ENDPOINTS=" + setting["ETCD_ENDPOINTS"],
		"PATH=" + filepath.Join(running.Dir(), "bin") + ":" + os.Getenv("PATH"),
	}
	for _, name := range slices.Sorted(maps.Keys(setting)) {
		env = append(env, name+"="+setting[name])
	}
	return env
}

func (n *joiner) run(environment []string, name string, args ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // also while the test cleans up
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = n.home, environment
	out, err := cmd.CombinedOutput()
	require.NoError(n.t, err, "%s\n%s", strings.Join(args, " "), out)
	return string(out)
}

func (n *joiner) binary() string { return filepath.Join(n.home, ".local/bin", fifth) }

// environment is the service's own: what its README says, and this system's addresses.
func (n *joiner) environment() []string {
	address, err := url.Parse(setting["AUTH_DATABASE_URL"])
	require.NoError(n.t, err)
	address.User, address.Path = url.UserPassword(fifth, fifth+"-development"), "/"+fifth
	return []string{
		"HTTP_ADDR=" + n.address, "ADVERTISE_URL=http://" + n.address, "DATABASE_URL=" + address.String(),
		"RABBITMQ_URL=" + setting["RABBITMQ_URL"], "RABBITMQ_USERNAME=" + fifth, "RABBITMQ_PASSWORD=" + fifth + "-development",
		"ETCD_ENDPOINTS=" + setting["ETCD_ENDPOINTS"],
	}
}

// start returns when it is ready.
func (n *joiner) start() {
	n.t.Helper()
	n.process = exec.CommandContext(context.Background(), n.binary(), "serve")
	n.process.Env, n.process.Stdout, n.process.Stderr = n.environment(), &n.log, &n.log
	require.NoError(n.t, n.process.Start())
	ready := within(n.t, patience, func() bool {
		answer, err := tizza.Call(context.Background(), visitor.Anyone{}, http.MethodGet, "http://"+n.address+"/readyz", nil)
		return err == nil && answer.Status == http.StatusOK
	})
	require.True(n.t, ready, "it becomes ready")
}

// stop asks it to stop and waits until it has.
func (n *joiner) stop() {
	if n.process == nil {
		return
	}
	assert.NoError(n.t, n.process.Process.Signal(syscall.SIGTERM))
	assert.NoError(n.t, n.process.Wait(), "it stops in order")
	n.process = nil
}

// settled waits until its topology check finds no problem, and says this.
func (n *joiner) settled(saying string) {
	n.t.Helper()
	var out []byte
	require.True(n.t, within(n.t, patience, func() bool {
		check := exec.CommandContext(context.Background(), n.binary(), "topology", "check")
		check.Env = n.operator()
		var err error
		out, err = check.CombinedOutput()
		return err == nil && strings.Contains(string(out), saying)
	}), "%s", out)
}
