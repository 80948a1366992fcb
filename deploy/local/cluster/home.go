package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// home is the folder that the processes of a cluster live in. The folders etc and bin are written by who runs Up,
// the folders run, log and data belong to the user that the processes run as; who runs Up (root, perhaps) only reads
// run and never writes into it, so the unprivileged user cannot lead it astray.
type home string

func (h home) etc(name string) string  { return filepath.Join(string(h), "etc", name) }
func (h home) bin(name string) string  { return filepath.Join(string(h), "bin", name) }
func (h home) run(name string) string  { return filepath.Join(string(h), "run", name) }
func (h home) data(name string) string { return filepath.Join(string(h), "data", name) }
func (h home) logs() string            { return filepath.Join(string(h), "log") }
func (h home) log(name string) string  { return filepath.Join(h.logs(), name+".log") }

// account is a user by number.
type account struct{ uid, gid int }

func self() account { return account{os.Geteuid(), os.Getegid()} }

// attributes lets a command run as the account; nil if that is oneself.
func (a account) attributes() *syscall.SysProcAttr {
	if a == self() {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

// accounts decides who runs the processes (worker) and to whom everything else in the cluster's folder belongs
// (keeper): oneself without root; as root the owner of the checkout for both, or nobody and root.
func accounts(root string) (worker, keeper account, err error) {
	me := self()
	if me.uid != 0 {
		return me, me, nil
	}
	info, err := os.Stat(root)
	if err != nil {
		return me, me, fmt.Errorf("look at the checkout: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		them := account{int(owner.Uid), int(owner.Gid)}
		return them, them, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return me, me, fmt.Errorf("run as root, and there is no user nobody for the servers: %w", err)
	}
	uid, err1 := strconv.Atoi(nobody.Uid)
	gid, err2 := strconv.Atoi(nobody.Gid)
	return account{uid, gid}, me, errors.Join(err1, err2)
}

// reaches says whether the account can get to a folder.
func (a account) reaches(folder string) bool {
	cmd := exec.Command("test", "-x", folder)
	cmd.Dir, cmd.SysProcAttr = "/", a.attributes()
	return cmd.Run() == nil
}

// folder makes a folder with exactly this owner and mode; one that stands is corrected. Missing parents are not made.
func folder(path string, owner account, mode os.FileMode) error {
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", path)
	}
	if err := os.Lchown(path, owner.uid, owner.gid); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// settle makes the cluster's folder and returns the home in it or, where the worker cannot reach it, the private one
// that it links to.
func settle(dir string, worker, keeper account) (home, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	if err := folder(dir, keeper, 0o755); err != nil {
		return "", err
	}
	h := homeOf(dir)
	if string(h) != dir && !ours(string(h), keeper) {
		return "", fmt.Errorf("%s links to %s, which is not ours any more: remove the link", filepath.Join(dir, "run"), h)
	}
	if string(h) == dir && !worker.reaches(dir) {
		var err error
		if h, err = private(dir, keeper); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"etc", "bin", "run", "log", "data"} {
		owner, mode := worker, os.FileMode(0o700)
		switch name {
		case "etc":
			owner, mode = account{keeper.uid, worker.gid}, 0o750
		case "bin":
			owner, mode = keeper, 0o755
		}
		if err := folder(filepath.Join(string(h), name), owner, mode); err != nil {
			return "", err
		}
	}
	if string(h) == dir {
		return h, nil
	}
	if err := folder(filepath.Join(dir, "bin"), keeper, 0o755); err != nil { // what people call: etcdctl
		return "", err
	}
	return h, link(dir, h)
}

// privateFolders are the names that a private home may have, by the cluster's folder.
func privateFolders(dir string) []string {
	sum := sha256.Sum256([]byte(dir))
	name := filepath.Join("/var/tmp", "tizza-"+hex.EncodeToString(sum[:6]))
	return []string{name, name + "-2", name + "-3", name + "-4"}
}

// private returns a folder outside the checkout that belongs to the keeper. A name that somebody else has taken before
// is left alone.
func private(dir string, keeper account) (home, error) {
	var problems []error
	for _, path := range privateFolders(dir) {
		err := os.Mkdir(path, 0o711)
		if err == nil {
			return home(path), folder(path, keeper, 0o711)
		}
		if ours(path, keeper) {
			return home(path), nil
		}
		problems = append(problems, fmt.Errorf("%s is not ours: %w", path, err))
	}
	return "", fmt.Errorf("no private folder for the servers: %w", errors.Join(problems...))
}

// ours says whether a private folder is one: a real folder of the keeper's that nobody else can write to.
func ours(path string, keeper account) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == keeper.uid
}

// link lets the cluster's folder show what lies in a private home.
func link(dir string, h home) error {
	for _, name := range []string{"etc", "run", "log", "data"} {
		path, target := filepath.Join(dir, name), filepath.Join(string(h), name)
		if now, err := os.Readlink(path); err == nil && now == target {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // from before the clone was closed to the worker
			return fmt.Errorf("%s can no longer be reached by the servers' user; `make clean` starts afresh: %w", dir, err)
		}
		if err := os.Symlink(target, path); err != nil {
			return err
		}
	}
	return nil
}

// homeOf finds the home of a cluster that was set up before.
func homeOf(dir string) home {
	if target, err := os.Readlink(filepath.Join(dir, "run")); err == nil {
		return home(filepath.Dir(target))
	}
	return home(dir)
}
