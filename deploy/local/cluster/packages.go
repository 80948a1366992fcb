package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Where Debian and its relatives put the servers, outside everybody's PATH.
const (
	postgresPattern = "/usr/lib/postgresql/*/bin/postgres"
	rabbitMQFolder  = "/usr/lib/rabbitmq/bin"
)

// postgresBin returns the folder of the newest installed PostgreSQL's binaries, or "".
func postgresBin() string {
	found, _ := filepath.Glob(postgresPattern)
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

// version is the major version in a path as postgresPattern matches it.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

func rabbitMQInstalled() bool {
	_, err := os.Stat(filepath.Join(rabbitMQFolder, "rabbitmq-server"))
	return err == nil
}

// browsers are the names that Chromium goes by. Tests look for the same ones.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

func browserInstalled() bool {
	return slices.ContainsFunc(browsers, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

// missing returns the packages that this cluster needs and the machine has not.
func (c *Cluster) missing() []string {
	var missing []string
	if postgresBin() == "" {
		missing = append(missing, "postgresql")
	}
	if !rabbitMQInstalled() {
		missing = append(missing, "rabbitmq-server")
	}
	if c.options.Browser && !browserInstalled() {
		missing = append(missing, "chromium")
	}
	for _, wanted := range []struct {
		by            bool
		program, from string
	}{{c.options.Node, "node", "nodejs"}, {c.options.Node, "npm", "npm"}, {c.options.Curl, "curl", "curl"}} {
		if _, err := exec.LookPath(wanted.program); wanted.by && err != nil {
			missing = append(missing, wanted.from)
		}
	}
	return missing
}

// install brings in what is missing. Nothing starts because of it, now or at the next boot.
func (c *Cluster) install(ctx context.Context) error {
	missing := c.missing()
	if len(missing) == 0 {
		return nil
	}
	command := "apt-get install --no-install-recommends " + strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("not installed: %s, and there is no apt-get to install them with", strings.Join(missing, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("not installed: %s. Installing needs root, once:\n\n    sudo %s\n\nthen run this again", strings.Join(missing, ", "), command)
	}
	c.say("installing %s from the system's packages", strings.Join(missing, " and "))
	quiet, err := holdServices()
	if err != nil {
		return err
	}
	defer quiet()
	if err := apt(ctx, "update"); err != nil {
		c.say("the package lists are not fresh: %v", err)
	}
	if slices.Contains(missing, "postgresql") {
		undo, err := withoutMainCluster(ctx)
		if err != nil {
			return err
		}
		defer undo()
	}
	if err := apt(ctx, append([]string{"install", "--no-install-recommends"}, missing...)...); err != nil {
		return err
	}
	if slices.Contains(missing, "rabbitmq-server") { // ours runs by itself; the system's would start at the next boot
		_ = exec.CommandContext(ctx, "update-rc.d", "rabbitmq-server", "disable").Run()
	}
	c.say("installed %s", strings.Join(missing, " and "))
	return nil
}

func apt(ctx context.Context, args ...string) error {
	args = append([]string{"-y", "-q", "-o", "DPkg::Lock::Timeout=300"}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, last(string(output), 12))
	}
	return nil
}

const (
	policyPath = "/usr/sbin/policy-rc.d"
	policy     = "#!/bin/sh\n# Written by tizza's local cluster while it installs packages: nothing is started. Safe to remove.\nexit 101\n"
)

// holdServices keeps package scripts from starting anything, unless the machine has a policy of its own, and returns
// what ends that. One that an interrupted run has left is taken over.
func holdServices() (func(), error) {
	if now, err := os.ReadFile(policyPath); err == nil && string(now) != policy {
		return func() {}, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := writeFile(policyPath, []byte(policy), 0o755); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(policyPath) }, nil
}

// withoutMainCluster keeps the PostgreSQL package from making a database cluster of its own, as it does on
// installation, and returns what puts the setting back.
func withoutMainCluster(ctx context.Context) (func(), error) {
	if err := apt(ctx, "install", "--no-install-recommends", "postgresql-common"); err != nil {
		return nil, err
	}
	const path = "/etc/postgresql-common/createcluster.conf"
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read how PostgreSQL's package sets itself up: %w", err)
	}
	if err := writeFile(path, append(before, "\ncreate_main_cluster = false\n"...), 0o644); err != nil {
		return nil, err
	}
	return func() { _ = writeFile(path, before, 0o644) }, nil
}

// last returns the last lines of a text, indented.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return "    " + strings.Join(all[max(0, len(all)-lines):], "\n    ")
}
