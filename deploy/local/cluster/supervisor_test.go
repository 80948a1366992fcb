package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be the supervisor as well, as command local is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "supervise" {
		if err := Supervise(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// supervised returns a cluster whose parts are sleeping shells, its supervisor running.
func supervised(t *testing.T, parts ...Process) *Cluster {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.work"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Open(Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	me := self() // the folder of a test cannot be reached by nobody
	c.worker, c.keeper = me, me
	if c.home, err = settle(c.dir, me, me); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, c.home.bin(supervisorBinary)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Down(context.Background()) })
	replan(t, c, parts...)
	if err := c.supervise(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func replan(t *testing.T, c *Cluster, parts ...Process) {
	t.Helper()
	for i := range parts {
		if err := parts[i].seal(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.writePlan(Plan{Processes: parts}); err != nil {
		t.Fatal(err)
	}
}

func shell(name string, stage int, script string) Process {
	return Process{Name: name, Path: "/bin/bash", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		Stage: stage, Stop: syscall.SIGTERM, Bound: 5 * time.Second}
}

const idle = `trap 'echo bye; exit' TERM; while :; do read -t 1 < <(:) || :; sleep 0.05; done`

// running waits until a part runs and returns its record.
func running(t *testing.T, c *Cluster, name string, other Identity) record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var now record
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) {
		var ok bool
		now, ok = c.alive()[name]
		return ok && now.Process != other, nil
	})
	if err != nil {
		t.Fatalf("%s does not run: %s", name, c.tail(supervisorName))
	}
	return now
}

func TestSupervisor(t *testing.T) {
	t.Run("a part that is killed runs again", func(t *testing.T) {
		c := supervised(t, shell("likes", stageServices, idle))
		before := running(t, c, "likes", Identity{})
		if err := c.Kill("likes"); err != nil {
			t.Fatal(err)
		}
		if after := running(t, c, "likes", before.Process); after.Restarts != before.Restarts+1 {
			t.Errorf("got %d restarts", after.Restarts)
		}
	})
	t.Run("a part that was stopped stays down until it is started", func(t *testing.T) {
		c := supervised(t, shell("likes", stageServices, idle))
		running(t, c, "likes", Identity{})
		if err := c.Stop(t.Context(), "likes"); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.alive()["likes"]; ok {
			t.Error("it runs")
		}
		if err := c.turn("likes", false); err != nil {
			t.Fatal(err)
		}
		running(t, c, "likes", Identity{})
	})
	t.Run("a part that changed is restarted, the others are not", func(t *testing.T) {
		c := supervised(t, shell("etcd", stageEtcd, idle), shell("likes", stageServices, idle))
		etcd, likes := running(t, c, "etcd", Identity{}), running(t, c, "likes", Identity{})
		replan(t, c, shell("etcd", stageEtcd, idle), shell("likes", stageServices, "true;"+idle))
		if err := c.alive()[supervisorName].Process.Signal(syscall.SIGHUP, -1); err != nil {
			t.Fatal(err)
		}
		running(t, c, "likes", likes.Process)
		if now := running(t, c, "etcd", Identity{}); now.Process != etcd.Process {
			t.Error("etcd was restarted")
		}
	})
	t.Run("down stops services before servers, leaves nothing, and can be said twice", func(t *testing.T) {
		log := filepath.Join(t.TempDir(), "order")
		tell := func(name string) string {
			return `trap 'echo ` + name + ` >>` + log + `; exit' TERM; while :; do sleep 0.05; done`
		}
		c := supervised(t, shell("postgres", stagePostgres, tell("postgres")), shell("etcd", stageEtcd, tell("etcd")), shell("likes", stageServices, tell("likes")))
		var parts []Identity
		for _, name := range []string{"postgres", "etcd", "likes"} {
			parts = append(parts, running(t, c, name, Identity{}).Process)
		}
		parts = append(parts, c.alive()[supervisorName].Process)
		// The shells set their traps before they start to sleep.
		for _, part := range parts[:3] {
			if err := poll(t.Context(), 10*time.Millisecond, func() (bool, error) { return len(descendants(part.PID)) > 0, nil }); err != nil {
				t.Fatal(err)
			}
		}
		if stopped, err := c.Down(t.Context()); err != nil || !stopped {
			t.Fatalf("got %v, %v", stopped, err)
		}
		if !gone(0, parts...) || len(marked(os.Getuid(), marker+"="+string(c.home))) > 0 {
			t.Error("something is left")
		}
		if order, _ := os.ReadFile(log); string(order) != "likes\netcd\npostgres\n" {
			t.Errorf("stopped in the order %q", order)
		}
		if stopped, err := c.Down(t.Context()); err != nil || stopped {
			t.Errorf("the second time: got %v, %v", stopped, err)
		}
	})
	t.Run("what a killed supervisor leaves is found and stopped", func(t *testing.T) {
		c := supervised(t, shell("likes", stageServices, idle), shell("etcd", stageEtcd, idle))
		likes, etcd := running(t, c, "likes", Identity{}).Process, running(t, c, "etcd", Identity{}).Process
		if err := c.Kill(supervisorName); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(c.home.run("etcd.json")); err != nil { // killed before it could write this one
			t.Fatal(err)
		}
		if !likes.Alive() || !etcd.Alive() {
			t.Fatal("the parts went with their supervisor")
		}
		if _, err := c.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !gone(0, likes, etcd) {
			t.Error("something is left")
		}
	})
	t.Run("there is one supervisor for a home", func(t *testing.T) {
		c := supervised(t, shell("likes", stageServices, idle))
		out, err := exec.Command(c.home.bin(supervisorBinary), "supervise", string(c.home)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "another supervisor") {
			t.Errorf("got %v, %s", err, out)
		}
	})
}

func TestBoundLogs(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "likes.log")
	if err := os.WriteFile(path, make([]byte, logLimit+1), 0o644); err != nil {
		t.Fatal(err)
	}
	boundLogs(folder)
	now, err := os.Stat(path)
	if err != nil || now.Size() != 0 {
		t.Errorf("the log has %d bytes, %v", now.Size(), err)
	}
	if old, err := os.Stat(path + ".1"); err != nil || old.Size() != logLimit {
		t.Errorf("the older part has %d bytes, %v", old.Size(), err)
	}
}
