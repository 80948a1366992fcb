package cluster

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// State is what is known about one part of a cluster.
type State struct {
	Name     string    `json:"name"`
	State    string    `json:"state"` // ready, not ready, down, stopped
	PID      int       `json:"pid,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Restarts int       `json:"restarts"`
	Address  string    `json:"address,omitempty"`
	Log      string    `json:"log"`
}

// Status returns the state of every part, or nothing for a cluster that has never been up.
func (c *Cluster) Status(ctx context.Context) []State {
	plan, err := readPlan(c.home.etc("plan.json"))
	if err != nil {
		return nil
	}
	alive := c.alive()
	states := make([]State, 0, len(plan.Processes))
	for _, p := range plan.Processes {
		s := State{Name: p.Name, State: "down", Address: address(c.portOf(p.Name)), Log: c.home.log(p.Name)}
		if now, ok := alive[p.Name]; ok {
			s.PID, s.Since, s.Restarts, s.State = now.Process.PID, now.Since, now.Restarts, "not ready"
			if c.probe(ctx, p.Name) == nil {
				s.State = "ready"
			}
		} else if p.Off {
			s.State = "stopped"
		}
		states = append(states, s)
	}
	return states
}

// Running says whether the cluster's supervisor runs.
func (c *Cluster) Running() bool {
	_, ok := c.alive()[supervisorName]
	return ok
}

// Stop stops one part and returns when its process is gone; it stays down until Start or Up.
func (c *Cluster) Stop(ctx context.Context, name string) error {
	if err := c.turn(name, true); err != nil {
		return err
	}
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		_, runs := readRecords(c.home.run(""))[name]
		return !runs, nil
	})
}

// Start starts a part that was stopped and returns when it is ready.
func (c *Cluster) Start(ctx context.Context, name string) error {
	if err := c.turn(name, false); err != nil {
		return err
	}
	return c.Wait(ctx, name)
}

func (c *Cluster) turn(name string, off bool) error {
	c.planning.Lock()
	defer c.planning.Unlock()
	plan, err := readPlan(c.home.etc("plan.json"))
	if err != nil {
		return err
	}
	wanted := plan.find(name)
	if wanted == nil {
		return fmt.Errorf("there is no part called %s", name)
	}
	wanted.Off = off
	if err := c.writePlan(plan); err != nil {
		return err
	}
	supervisor, ok := c.alive()[supervisorName]
	if !ok {
		return errors.New("the cluster is not running")
	}
	return supervisor.Process.Signal(syscall.SIGHUP, c.worker.uid)
}

// Kill ends a part with SIGKILL, as a crash would, and returns when that process is gone. The supervisor starts it again
// within a second; Wait returns when it is ready.
func (c *Cluster) Kill(name string) error {
	return c.Signal(name, syscall.SIGKILL)
}

// Signal sends a signal to a part's process: SIGSTOP and SIGCONT freeze and thaw it. After SIGKILL it waits for the end.
func (c *Cluster) Signal(name string, signal syscall.Signal) error {
	now, ok := c.alive()[name]
	if !ok {
		return fmt.Errorf("%s is not running", name)
	}
	if err := now.Process.Signal(signal, c.worker.uid); err != nil {
		return err
	}
	if signal == syscall.SIGKILL && !gone(5*time.Second, now.Process) {
		return fmt.Errorf("%s has not ended", name)
	}
	return nil
}
