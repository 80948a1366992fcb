package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tizza/tizza/deploy/local/cluster"
)

// composes says whether a Docker engine with Compose answers, and is wanted. There is one system in Compose; others, in
// folders of their own, are native.
func composes(ctx context.Context, c *cluster.Cluster, native bool) bool {
	return !native && c.Dir() == filepath.Join(c.Root(), ".local") &&
		exec.CommandContext(ctx, "docker", "info").Run() == nil &&
		exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil
}

// composeUp does what `docker compose up` does, waits until everything is healthy and leaves the same file of addresses
// as the native way.
func composeUp(ctx context.Context, c *cluster.Cluster) error {
	fmt.Println("a Docker engine runs: using Compose (TIZZA_NATIVE=1 for native servers)")
	if err := compose(ctx, c, "up", "-d", "--build", "--wait", "--wait-timeout", "300"); err != nil {
		return fmt.Errorf("%w; `docker compose ps` and `docker compose logs` say more. Ports can be moved with --port-offset (TIZZA_PORT_OFFSET) or TIZZA_<NAME>_PORT", err)
	}
	return c.WriteEnv()
}

// composeDown removes the containers and says whether there were any.
func composeDown(ctx context.Context, c *cluster.Cluster, volumes bool) (bool, error) {
	cmd := exec.CommandContext(ctx, "docker", "compose", "ps", "--all", "--quiet")
	cmd.Dir = c.Root()
	there, err := cmd.Output()
	if err != nil {
		return false, fmt.Errorf("ask Compose what runs: %w", err)
	}
	found := len(bytes.TrimSpace(there)) > 0
	if !found && !volumes {
		return false, nil
	}
	args := []string{"down", "--remove-orphans"}
	if volumes {
		args = append(args, "--volumes")
	}
	if err := compose(ctx, c, args...); err != nil {
		return found, err
	}
	return found, c.RemoveEnv()
}

// compose runs one Compose command on the system's file, with its ports.
func compose(ctx context.Context, c *cluster.Cluster, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = c.Root(), os.Stdout, os.Stderr, os.Environ()
	for variable, number := range c.Ports().Variables() {
		cmd.Env = append(cmd.Env, variable+"="+strconv.Itoa(number))
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
