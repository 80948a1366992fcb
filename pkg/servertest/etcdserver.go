package servertest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// EtcdServer is an etcd process of the test's own: for tests that stop it or take
// its data away. It is built from the module that local clusters use.
type EtcdServer struct {
	t       testing.TB
	binary  string
	data    string
	address string // host:port of clients
	peers   string
	flags   []string
	process *exec.Cmd
}

// NewEtcdServer starts a server, with more flags if given, and stops it when the
// test ends.
func NewEtcdServer(t testing.TB, flags ...string) *EtcdServer {
	t.Helper()
	s := &EtcdServer{
		t: t, binary: buildEtcd(t), data: filepath.Join(t.TempDir(), "data"),
		address: freeAddress(t), peers: freeAddress(t), flags: flags,
	}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Endpoints are what a client needs; they stay the same over restarts.
func (s *EtcdServer) Endpoints() []string { return []string{"http://" + s.address} }

// Start starts the process and waits until it is healthy.
func (s *EtcdServer) Start() {
	s.t.Helper()
	flags := append([]string{"--name=test", "--data-dir=" + s.data, "--log-level=error",
		"--listen-client-urls=http://" + s.address, "--advertise-client-urls=http://" + s.address,
		"--listen-peer-urls=http://" + s.peers, "--initial-advertise-peer-urls=http://" + s.peers,
		"--initial-cluster=test=http://" + s.peers, "--unsafe-no-fsync"}, s.flags...)
	s.process = exec.Command(s.binary, flags...)
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start etcd: %v", err)
	}
	Eventually(s.t, timeout, "etcd is healthy", s.healthy)
}

func (s *EtcdServer) healthy() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/health", nil)
	if err != nil {
		return false
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stop kills the process, as a lost machine would; stopping it twice is nothing.
func (s *EtcdServer) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Wipe takes away the data of a stopped server: it comes back as another cluster
// that knows nothing.
func (s *EtcdServer) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(s.data); err != nil {
		s.t.Fatalf("wipe etcd: %v", err)
	}
}

// Copy copies the data of a stopped server. The function puts them back, into a
// stopped server too, in place of what is there by then.
func (s *EtcdServer) Copy() (restore func()) {
	s.t.Helper()
	copied := filepath.Join(s.t.TempDir(), "copy")
	s.copy(copied, s.data)
	return func() {
		s.t.Helper()
		s.Wipe()
		s.copy(s.data, copied)
	}
}

func (s *EtcdServer) copy(to, from string) {
	s.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		s.t.Fatalf("copy etcd's data: %v", err)
	}
}

// buildEtcd takes half a second when Go's build cache knows it. A binary that
// tests share could be replaced while it runs.
func buildEtcd(t testing.TB) string {
	t.Helper()
	root, ok := workspace()
	if !ok {
		t.Fatal("no go.work above this test: cannot find deploy/local/etcd")
	}
	binary := filepath.Join(t.TempDir(), "etcd")
	build := exec.Command("go", "build", "-o", binary, "go.etcd.io/etcd/server/v3")
	build.Dir = filepath.Join(root, "deploy", "local", "etcd")
	build.Env = append(os.Environ(), "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build etcd: %v\n%s", err, output)
	}
	return binary
}

// freeAddress is a loopback port that nobody listens on now.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
