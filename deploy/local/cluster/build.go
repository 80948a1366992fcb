package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// supervisorBinary is the program that has the supervise command; a test's own binary has not.
const supervisorBinary = "local"

// build makes the services and the supervisor from the checkout. A binary that comes out the same is left in place, so
// that its process is not restarted.
func (c *Cluster) build(ctx context.Context) error {
	packages := []string{"./deploy/local"}
	if !c.options.ServersOnly {
		for _, name := range Services() {
			packages = append(packages, "./services/"+name)
		}
	}
	output, err := os.MkdirTemp(c.dir, ".build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(output) }()
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", output + "/"}, packages...)
	if err := c.golang(ctx, c.root, "", args...); err != nil {
		return err
	}
	return c.publish(output)
}

// etcdModule is the module whose go.mod and go.sum decide what etcd is built from.
const etcdModule = "deploy/local/etcd"

// buildEtcd makes etcd and etcdctl at the versions that their module names, unless that has been done.
func (c *Cluster) buildEtcd(ctx context.Context) error {
	sum, err := os.ReadFile(filepath.Join(c.root, etcdModule, "go.sum"))
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(c.root, etcdModule, "go.mod"))
	if err != nil {
		return err
	}
	hash := sha256.Sum256(append(sum, mod...))
	want, stamp := hex.EncodeToString(hash[:]), filepath.Join(c.dir, "bin", ".etcd")
	if now, err := os.ReadFile(stamp); err == nil && string(now) == want && present(c.dir, "etcd") && present(c.dir, "etcdctl") {
		return nil
	}
	c.say("building etcd and etcdctl from their Go module (about two minutes the first time)")
	output, err := os.MkdirTemp(c.dir, ".build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(output) }()
	for name, path := range map[string]string{"etcd": "go.etcd.io/etcd/server/v3", "etcdctl": "go.etcd.io/etcd/etcdctl/v3"} {
		args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(output, name), path}
		if err := c.golang(ctx, filepath.Join(c.root, etcdModule), "off", args...); err != nil {
			return err
		}
	}
	if err := c.publish(output); err != nil {
		return err
	}
	return c.write(stamp, []byte(want), 0o644, c.keeper)
}

func present(dir, binary string) bool {
	_, err := os.Stat(filepath.Join(dir, "bin", binary))
	return err == nil
}

// golang runs the go command. work is GOWORK; empty means the checkout's own workspace, whatever the caller's is.
func (c *Cluster) golang(ctx context.Context, folder, work string, args ...string) error {
	if work == "" {
		work = filepath.Join(c.root, "go.work")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK="+work, "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args[:1], " "), err, last(string(output), 40))
	}
	return nil
}

// publish moves what was built into <dir>/bin, and copies it to a private home.
func (c *Cluster) publish(output string) error {
	built, err := os.ReadDir(output)
	if err != nil {
		return err
	}
	for _, entry := range built {
		content, err := os.ReadFile(filepath.Join(output, entry.Name()))
		if err != nil {
			return err
		}
		for _, path := range []string{filepath.Join(c.dir, "bin", entry.Name()), c.home.bin(entry.Name())} {
			now, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if bytes.Equal(now, content) {
				continue
			}
			if err := c.write(path, content, 0o755, c.keeper); err != nil {
				return err
			}
		}
	}
	return nil
}

// write replaces a file at once, for an owner.
func (c *Cluster) write(path string, content []byte, mode os.FileMode, owner account) error {
	if err := writeFile(path, content, mode); err != nil {
		return err
	}
	return os.Lchown(path, owner.uid, owner.gid)
}
