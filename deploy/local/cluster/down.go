package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// stopBound is how long the supervisor may take to stop everything: the sum of what the stages may.
const stopBound = 90 * time.Second

// Down stops everything, services first and PostgreSQL last, and says whether there was anything to stop. The data stays.
// It returns when no process is left.
func (c *Cluster) Down(ctx context.Context) (bool, error) {
	if _, err := os.ReadDir(c.home.run("")); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look for running processes (started by another user?): %w", err)
	}
	held, err := c.lock(ctx)
	if err != nil {
		return false, err
	}
	defer held.release()
	running := c.alive()
	supervisor, supervised := running[supervisorName]
	if supervised {
		c.say("stopping %d processes", len(running)-1)
		if err := supervisor.Process.Signal(syscall.SIGTERM, c.worker.uid); err != nil {
			return true, err
		}
		if !gone(stopBound, supervisor.Process) {
			_ = supervisor.Process.Signal(syscall.SIGKILL, c.worker.uid)
		}
	}
	if err := c.sweep(); err != nil {
		return true, err
	}
	if err := c.RemoveEnv(); err != nil {
		return true, err
	}
	if supervised {
		c.say("stopped; the data stays in %s", c.home.data(""))
	}
	return supervised || len(running) > 0, nil
}

// sweep ends what an interrupted run has left: processes on record whose supervisor is gone, and any other that
// carries this home in its environment.
func (c *Cluster) sweep() error {
	running := c.alive()
	if _, supervised := running[supervisorName]; supervised {
		return nil
	}
	left := make([]record, 0, len(running))
	for _, r := range running {
		left = append(left, r)
	}
	slices.SortFunc(left, func(a, b record) int { return b.Stage - a.Stage })
	for _, r := range left {
		c.say("stopping %s (pid %d), left over from an interrupted run", r.Name, r.Process.PID)
		end(r.Process, syscall.Signal(r.Stop), r.Bound, c.worker.uid)
	}
	strays := marked(c.worker.uid, marker+"="+string(c.home))
	for _, stray := range strays {
		c.say("stopping process %d, left over from an interrupted run", stray.PID)
		end(stray, syscall.SIGTERM, 5*time.Second, c.worker.uid)
	}
	for _, r := range left {
		strays = append(strays, r.Process)
	}
	if !gone(5*time.Second, strays...) {
		return errors.New("some processes of an interrupted run cannot be stopped; `status` names them")
	}
	records, _ := filepath.Glob(c.home.run("*.json"))
	for _, path := range records {
		_ = os.Remove(path)
	}
	return nil
}

// Clean stops the cluster and removes everything that it has made: data, logs, binaries.
func (c *Cluster) Clean(ctx context.Context) error {
	if _, err := c.Down(ctx); err != nil {
		return err
	}
	if string(c.home) != c.dir && ours(string(c.home), c.keeper) {
		if err := os.RemoveAll(string(c.home)); err != nil {
			return err
		}
	}
	for _, name := range []string{"etc", "run", "log", "data", "bin", "env", "lock"} {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// wipe removes the servers' data of a cluster that does not run.
func (c *Cluster) wipe() error {
	entries, err := os.ReadDir(c.home.data(""))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(c.home.data(entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
