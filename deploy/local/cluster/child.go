package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	firstPause = 100 * time.Millisecond // before a process that died is started again
	longPause  = time.Second            // the most that this grows to
	settled    = 10 * time.Second       // a process that ran this long starts over with the first pause
)

// child is one process that the supervisor keeps running.
type child struct {
	home   home
	log    *slog.Logger
	spec   Process
	cancel context.CancelFunc
	done   chan struct{}
}

func start(h home, log *slog.Logger, spec Process) *child {
	ctx, cancel := context.WithCancel(context.Background())
	c := &child{home: h, log: log, spec: spec, cancel: cancel, done: make(chan struct{})}
	go c.run(ctx)
	return c
}

// stop returns when the process and what it started are gone.
func (c *child) stop() {
	c.cancel()
	<-c.done
	_ = os.Remove(c.home.run(c.spec.Name + ".json"))
}

func (c *child) run(ctx context.Context) {
	defer close(c.done)
	pause := firstPause
	for restarts := 0; ctx.Err() == nil; restarts++ {
		c.await(ctx)
		began := time.Now()
		err := c.once(ctx, restarts)
		if ctx.Err() != nil {
			c.log.Info("stopped", "how", describe(err))
			return
		}
		if time.Since(began) > settled {
			pause = firstPause
		}
		c.log.Warn("ended by itself, starting it again", "how", describe(err), "in", pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, longPause)
	}
}

// await gives what this process needs at its start five seconds to listen.
func (c *child) await(ctx context.Context) {
	if c.spec.After == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = poll(ctx, 50*time.Millisecond, func() (bool, error) {
		return listens(c.spec.After), nil
	})
}

func listens(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	return err == nil && connection.Close() == nil
}

// once runs the process until it ends or ctx does.
func (c *child) once(ctx context.Context, restarts int) error {
	output, err := os.OpenFile(c.home.log(c.spec.Name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	cmd := exec.Command(c.spec.Path, c.spec.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = string(c.home), output, output
	cmd.Env = append(append([]string(nil), c.spec.Env...), marker+"="+string(c.home))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what is meant for the supervisor is not meant for it
	if err := cmd.Start(); err != nil {
		return err
	}
	id, err := Identify(cmd.Process.Pid)
	if err == nil {
		err = writeJSON(c.home.run(c.spec.Name+".json"), record{Name: c.spec.Name, Process: id, Version: c.spec.Version, Since: time.Now(),
			Restarts: restarts, Stage: c.spec.Stage, Stop: int(c.spec.Stop), Bound: c.spec.Bound}, 0o644)
	}
	if err != nil {
		c.log.Error("record the process", "error", err)
	}
	c.log.Info("started", "pid", cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		end(id, c.spec.Stop, c.spec.Bound, -1)
		return <-ended
	}
}

// end asks a process to stop, kills it when the bound is over, and sees that nothing stays that it had started.
func end(process Identity, signal syscall.Signal, bound time.Duration, uid int) {
	family := append(descendants(process.PID), process)
	if process.Signal(signal, uid) == nil && !gone(bound, process) {
		family = append(family, descendants(process.PID)...)
		_ = process.Signal(syscall.SIGKILL, uid)
	}
	if gone(2*time.Second, family...) {
		return
	}
	for _, member := range family {
		_ = member.Signal(syscall.SIGKILL, uid)
	}
	gone(2*time.Second, family...)
}

// describe says how a process ended.
func describe(err error) string {
	if err == nil {
		return "exit code 0"
	}
	return fmt.Sprint(err)
}
