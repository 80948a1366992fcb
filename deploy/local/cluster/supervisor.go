package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// marker is the environment variable that every process of a cluster carries; its value is the cluster's home.
const marker = "TIZZA_CLUSTER"

// supervisor keeps running what the plan says.
type supervisor struct {
	home     home
	log      *slog.Logger
	children map[string]*child
}

// Supervise runs the plan of a home until SIGTERM, then stops everything in reverse order. SIGHUP reads the plan again.
// It is the body of the hidden command that Up starts detached.
func Supervise(path string) error {
	syscall.Umask(0o077)
	s := &supervisor{home: home(path), log: slog.New(slog.NewTextHandler(os.Stderr, nil)), children: map[string]*child{}}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGHUP)
	defer signal.Stop(changed)

	alone, err := acquire(s.home.run("supervisor.lock"))
	if err != nil {
		return fmt.Errorf("another supervisor runs for %s: %w", path, err)
	}
	defer alone.release()
	self, err := Identify(os.Getpid())
	if err != nil {
		return fmt.Errorf("identify the supervisor: %w", err)
	}
	mine := record{Name: supervisorName, Process: self, Since: time.Now(), Stage: -1, Stop: int(syscall.SIGTERM)}
	if err := writeJSON(s.home.run(supervisorName+".json"), mine, 0o644); err != nil {
		return err
	}
	s.log.Info("supervisor started", "pid", self.PID)
	s.reconcile()

	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			s.stop(func(*child) bool { return true })
			s.log.Info("supervisor stopped")
			_ = os.Remove(s.home.run(supervisorName + ".json"))
			return nil
		case <-changed:
			s.reconcile()
		case <-second.C:
			boundLogs(s.home.logs())
		}
	}
}

// reconcile stops what the plan does not want any more, or wants otherwise, and starts what is missing.
func (s *supervisor) reconcile() {
	plan, err := readPlan(s.home.etc("plan.json"))
	if err != nil {
		s.log.Error("read the plan", "error", err)
		return
	}
	s.stop(func(c *child) bool {
		wanted := plan.find(c.spec.Name)
		return wanted == nil || wanted.Off || wanted.Version != c.spec.Version
	})
	for _, spec := range plan.Processes {
		if s.children[spec.Name] == nil && !spec.Off {
			s.children[spec.Name] = start(s.home, s.log.With("process", spec.Name), spec)
		}
	}
}

// stop stops the chosen children, the highest stage first, those of one stage together.
func (s *supervisor) stop(chosen func(*child) bool) {
	for stage := stageServices; stage >= 0; stage-- {
		var stopping sync.WaitGroup
		for name, c := range s.children {
			if c.spec.Stage == stage && chosen(c) {
				delete(s.children, name)
				stopping.Go(c.stop)
			}
		}
		stopping.Wait()
	}
}

// logLimit is how large a log may grow, in bytes; one older part of that size is kept beside it.
const logLimit = 8 << 20

// boundLogs cuts logs that have grown too large. The processes append to their open files, so a file is emptied in
// place; lines written between the copy and the cut are lost, which is fair for a development log.
func boundLogs(folder string) {
	paths, _ := filepath.Glob(filepath.Join(folder, "*.log"))
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.Size() < logLimit {
			continue
		}
		if content, err := os.ReadFile(path); err == nil {
			_ = writeFile(path+".1", content[max(0, len(content)-logLimit):], 0o644)
		}
		_ = os.Truncate(path, 0)
	}
}
