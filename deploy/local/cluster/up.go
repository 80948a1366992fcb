package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Up brings the cluster to what its options say and returns when every part is ready: installs what is missing,
// builds, cleans up after an interrupted run, starts. What runs already and has not changed is left alone, so Up can be
// called again at any time.
func (c *Cluster) Up(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	h, err := settle(c.dir, c.worker, c.keeper)
	if err != nil {
		return fmt.Errorf("make the cluster's folder: %w", err)
	}
	c.home = h
	held, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer held.release()
	if string(c.home) != c.dir {
		c.say("user %d cannot reach %s, so the servers live in %s", c.worker.uid, c.dir, c.home)
	}
	if err := c.sweep(); err != nil {
		return err
	}
	running := c.alive()
	if err := c.claim(running); err != nil {
		return err
	}
	if err := c.provide(ctx); err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	if err := c.wait(ctx, running); err != nil {
		return err
	}
	return c.writeEnv()
}

// check finds out early what would fail late.
func (c *Cluster) check() error {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("the services are built with Go, which is not in PATH: %w", err)
	}
	return nil
}

// claim decides about the ports and makes sure that each is free, unless the process that has it is ours and stays there.
func (c *Cluster) claim(running map[string]record) error {
	before, _ := readPlan(c.home.etc("plan.json")) // there is none before the first start
	_, supervised := running[supervisorName]
	if !supervised && c.options.Fresh {
		if err := c.wipe(); err != nil {
			return fmt.Errorf("remove the data of the last run: %w", err)
		}
	}
	if c.options.FreePorts {
		if c.ports = before.Ports; !supervised || len(c.ports) == 0 {
			c.ports = freePorts()
		}
	}
	return c.ports.check(c.wanted(), func(p port) bool {
		_, runs := running[p.process]
		return runs && before.Ports[p.name] == c.ports[p.name]
	})
}

// wanted are the ports that this cluster listens on.
func (c *Cluster) wanted() []port {
	switch {
	case c.options.BrokerOnly:
		return slices.DeleteFunc(slices.Clone(serverPorts), func(p port) bool { return p.process != "rabbitmq" && p.process != "epmd" })
	case c.options.ServersOnly:
		return serverPorts
	}
	return allPorts()
}

// provide brings in the packages and the binaries.
func (c *Cluster) provide(ctx context.Context) error {
	interrupted, _ := filepath.Glob(filepath.Join(c.dir, ".build-*"))
	for _, path := range interrupted {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.install(ctx) })
	group.Go(func() error {
		if !c.options.BrokerOnly {
			if err := c.buildEtcd(ctx); err != nil { // one after the other: both keep all cores busy
				return fmt.Errorf("build etcd: %w", err)
			}
		}
		if err := c.build(ctx); err != nil {
			return fmt.Errorf("build the services: %w", err)
		}
		c.say("built")
		return nil
	})
	return group.Wait()
}

// start writes the plan and lets the supervisor, a new one if need be, make it true.
func (c *Cluster) start(ctx context.Context) error {
	plan := Plan{Ports: c.ports}
	servers := []func() (Process, error){c.epmd, c.rabbitMQ}
	if !c.options.BrokerOnly {
		servers = append([]func() (Process, error){func() (Process, error) { return c.postgres(ctx) }}, append(servers, c.etcd)...)
	}
	for _, server := range servers {
		process, err := server()
		if err != nil {
			return err
		}
		plan.Processes = append(plan.Processes, process)
	}
	if !c.options.ServersOnly {
		for _, name := range Services() {
			process, err := c.service(name)
			if err != nil {
				return err
			}
			plan.Processes = append(plan.Processes, process)
		}
	}
	c.planning.Lock()
	defer c.planning.Unlock()
	if err := c.writePlan(plan); err != nil {
		return err
	}
	if supervisor, ok := c.alive()[supervisorName]; ok {
		return supervisor.Process.Signal(syscall.SIGHUP, c.worker.uid)
	}
	return c.supervise(ctx)
}

func (c *Cluster) writePlan(plan Plan) error {
	path := c.home.etc("plan.json")
	if err := writeJSON(path, plan, 0o640); err != nil {
		return err
	}
	return os.Lchown(path, c.keeper.uid, c.worker.gid)
}

// supervise starts the supervisor in a session of its own and waits until it has taken over.
func (c *Cluster) supervise(ctx context.Context) error {
	cmd := exec.Command(c.home.bin(supervisorBinary), "supervise", string(c.home))
	attributes := c.worker.attributes()
	if attributes == nil {
		attributes = &syscall.SysProcAttr{}
	}
	attributes.Setsid = true
	output, err := c.supervisorLog()
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	cmd.Dir, cmd.SysProcAttr, cmd.Env = string(c.home), attributes, c.baseEnv("", marker+"="+string(c.home))
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		select {
		case err := <-ended:
			return false, fmt.Errorf("the supervisor ended: %w\n%s", errors.Join(err), c.tail(supervisorName))
		default:
		}
		_, ok := c.alive()[supervisorName]
		return ok, nil
	})
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	return nil
}

// supervisorLog opens the supervisor's log. Its folder belongs to the worker, so root follows no link in it.
func (c *Cluster) supervisorLog() (*os.File, error) {
	path := c.home.log(supervisorName)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	return file, file.Chown(c.worker.uid, c.worker.gid)
}
