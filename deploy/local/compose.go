package main

import (
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
	if err := composeOurs(ctx, c); err != nil {
		return err
	}
	fmt.Println("a Docker engine runs: using Compose (TIZZA_NATIVE=1 for native servers)")
	if err := c.MarkCompose(); err != nil { // first: what an interrupted start has made is ours as well
		return err
	}
	if err := compose(ctx, c, "up", "-d", "--build", "--wait", "--wait-timeout", "300"); err != nil {
		return fmt.Errorf("%w; `docker compose ps` and `docker compose logs` say more. Ports can be moved with --port-offset (TIZZA_PORT_OFFSET) or TIZZA_<NAME>_PORT", err)
	}
	return c.WriteEnv()
}

// composeDown removes the containers that this checkout has started, and says whether there were any. Volumes go only
// if this checkout has made them: Compose tells projects apart by name alone, and every checkout has the same.
func composeDown(ctx context.Context, c *cluster.Cluster, volumes bool) (bool, error) {
	there, err := composeFolders(ctx)
	if err != nil {
		return false, err
	}
	if len(there) == 0 && (!volumes || !c.MarkedCompose()) {
		return false, nil
	}
	if err := composeOurs(ctx, c); err != nil {
		return false, err
	}
	args := []string{"down", "--remove-orphans"}
	if volumes && c.MarkedCompose() {
		args = append(args, "--volumes")
	}
	if err := compose(ctx, c, args...); err != nil {
		return len(there) > 0, err
	}
	return len(there) > 0, c.RemoveEnv()
}

// composeOurs returns an error if the project's containers come from another checkout: Compose would take them over,
// and remove them and their data as its own.
func composeOurs(ctx context.Context, c *cluster.Cluster) error {
	folders, err := composeFolders(ctx)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if folder != c.Root() {
			return fmt.Errorf("the Compose project %s runs from another checkout, %s: stop it there, or take another name with COMPOSE_PROJECT_NAME (and other ports with TIZZA_PORT_OFFSET), or TIZZA_NATIVE=1",
				composeProject(), folder)
		}
	}
	return nil
}

// composeFolders returns where the project's containers, running or not, were started from.
func composeFolders(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "docker", "ps", "--all", "--filter", "label=com.docker.compose.project="+composeProject(),
		"--format", `{{.Label "com.docker.compose.project.working_dir"}}`).Output()
	if err != nil {
		return nil, fmt.Errorf("ask Docker what runs: %w", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

// composeProject is the project's name: the one in docker-compose.yml, unless the environment says otherwise.
func composeProject() string {
	if name := os.Getenv("COMPOSE_PROJECT_NAME"); name != "" {
		return name
	}
	return "tizza"
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
