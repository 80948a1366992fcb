package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// wipeable are the parts whose data can be removed without their being set up anew. PostgreSQL's are the services' own.
var wipeable = map[string]bool{"rabbitmq": true, "etcd": true}

// Wipe stops a server, removes all its data, starts it, and returns when it is ready: what it had is lost, as with its
// disk. Should it end half-way, Start starts the server with what is left.
func (c *Cluster) Wipe(ctx context.Context, name string) error {
	if !wipeable[name] {
		return fmt.Errorf("%s cannot be wiped", name)
	}
	if err := c.Stop(ctx, name); err != nil {
		return err
	}
	entries, err := os.ReadDir(c.home.data(name))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(c.home.data(name), entry.Name())); err != nil {
			return err
		}
	}
	return c.Start(ctx, name)
}

// Rabbitmqctl runs rabbitmqctl on the cluster's RabbitMQ. Its error holds what the command says.
func (c *Cluster) Rabbitmqctl(ctx context.Context, args ...string) error {
	cmd, err := c.beside(ctx, "rabbitmq", filepath.Join(rabbitMQFolder, "rabbitmqctl"), args)
	if err != nil {
		return err
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rabbitmqctl: %w\n%s", err, last(string(output), 12))
	}
	return nil
}

// Command returns a command of a service, not started yet, with the environment that the service runs with here: a
// second replica, or what an operator asks of it. What is appended to its Env counts more.
func (c *Cluster) Command(ctx context.Context, service string, args ...string) (*exec.Cmd, error) {
	return c.beside(ctx, service, c.home.bin(service), args)
}

// beside is a command as whom, where and with the environment that a part of the cluster runs. The next Up or Down ends
// it should it be left over.
func (c *Cluster) beside(ctx context.Context, part, path string, args []string) (*exec.Cmd, error) {
	plan, err := readPlan(c.home.etc("plan.json"))
	if err != nil {
		return nil, err
	}
	process := plan.find(part)
	if process == nil {
		return nil, fmt.Errorf("there is no part called %s", part)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.SysProcAttr = string(c.home), c.worker.attributes()
	cmd.Env = append(append([]string(nil), process.Env...), marker+"="+string(c.home))
	return cmd, nil
}
