package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Administrators of the development servers.
const (
	postgresAdmin    = "postgres"
	postgresPassword = "postgres-development"
	rabbitMQAdmin    = "tizza"
	rabbitMQPassword = "tizza-development"
	nodeName         = "tizza@localhost"
)

// baseEnv is what every process gets; nothing of the caller's own environment goes along by accident.
func (c *Cluster) baseEnv(name string, more ...string) []string {
	return append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + c.home.data(name), "LANG=C.UTF-8", "TZ=UTC",
	}, more...)
}

// postgres makes PostgreSQL's data folder where there is none and returns its process.
func (c *Cluster) postgres(ctx context.Context) (Process, error) {
	bin, err := c.postgresFor(c.home.data("postgres"))
	if err != nil {
		return Process{}, err
	}
	if err := c.initialize(ctx, bin); err != nil {
		return Process{}, err
	}
	args := []string{"-D", c.home.data("postgres"), "-p", strconv.Itoa(c.ports[PostgresPort])}
	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "shared_buffers=128MB", "timezone=UTC", "log_timezone=UTC"}
	if c.options.Fast {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	p := Process{Name: "postgres", Path: filepath.Join(bin, "postgres"), Args: args, Env: c.baseEnv("postgres"),
		Stage: stagePostgres, Stop: syscall.SIGINT, Bound: 20 * time.Second} // SIGINT: do not wait for clients to leave
	return p, p.seal(p.Path)
}

// postgresFor returns the binaries that fit the data: a folder made by 15 does not open with 17.
func (c *Cluster) postgresFor(data string) (string, error) {
	bin := postgresBin()
	made, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return bin, nil
	} else if err != nil {
		return "", fmt.Errorf("look at PostgreSQL's data: %w", err)
	}
	fitting := strings.Replace(postgresPattern, "*", strings.TrimSpace(string(made)), 1)
	if _, err := os.Stat(fitting); err != nil {
		return "", fmt.Errorf("the data in %s is PostgreSQL %s's, which is not installed any more; `make clean` starts with empty databases", data, strings.TrimSpace(string(made)))
	}
	return filepath.Dir(fitting), nil
}

// initialize makes the data folder under another name first, so that an interrupted one is not taken for complete.
func (c *Cluster) initialize(ctx context.Context, bin string) error {
	data := c.home.data("postgres")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	}
	fresh := data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	password := c.home.etc("postgres-password")
	if err := c.write(password, []byte(postgresPassword+"\n"), 0o640, account{c.keeper.uid, c.worker.gid}); err != nil {
		return err
	}
	defer func() { _ = os.Remove(password) }()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", fresh, "--username="+postgresAdmin, "--pwfile="+password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions", "--no-sync")
	cmd.Dir, cmd.SysProcAttr, cmd.Env = string(c.home), c.worker.attributes(), c.baseEnv("postgres", marker+"="+string(c.home))
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make PostgreSQL's data folder: %w\n%s", err, last(string(output), 12))
	}
	return os.Rename(fresh, data)
}

// databases makes the services' roles and databases.
func (c *Cluster) databases(ctx context.Context) error {
	script, err := os.Open(filepath.Join(c.root, "deploy/postgres/databases.sql"))
	if err != nil {
		return err
	}
	defer func() { _ = script.Close() }()
	cmd := exec.CommandContext(ctx, filepath.Join(postgresBin(), "psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1",
		"-h", "127.0.0.1", "-p", strconv.Itoa(c.ports[PostgresPort]), "-U", postgresAdmin, "-d", "postgres", "-f", "-")
	cmd.Dir, cmd.Stdin, cmd.Env = "/", script, append(c.baseEnv("postgres"), "PGPASSWORD="+postgresPassword, "PGCONNECT_TIMEOUT=5")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the services' databases: %w\n%s", err, last(string(output), 12))
	}
	return nil
}

// epmd returns Erlang's port mapper as a process of ours, on loopback and on a port of its own. RabbitMQ would start
// one that nobody stops, or find one that belongs to somebody else.
func (c *Cluster) epmd() (Process, error) {
	path, err := exec.LookPath("epmd")
	if err != nil {
		return Process{}, fmt.Errorf("find epmd, which comes with Erlang: %w", err)
	}
	p := Process{Name: "epmd", Path: path, Args: []string{"-port", strconv.Itoa(c.ports[EpmdPort]), "-address", "127.0.0.1"},
		Env: c.baseEnv("epmd"), Stage: stageEpmd, Stop: syscall.SIGTERM, Bound: 5 * time.Second}
	return p, p.seal()
}

// rabbitMQ writes RabbitMQ's configuration and returns its process.
func (c *Cluster) rabbitMQ() (Process, error) {
	definitions, err := os.ReadFile(filepath.Join(c.root, "deploy/rabbitmq/definitions.json"))
	if err != nil {
		return Process{}, err
	}
	shared, err := os.ReadFile(filepath.Join(c.root, "deploy/rabbitmq/rabbitmq.conf"))
	if err != nil {
		return Process{}, err
	}
	files := map[string]string{
		"definitions.json":  string(definitions),
		"enabled_plugins":   "[rabbitmq_management].\n",
		"rabbitmq-env.conf": "# Empty: keeps the system's own settings away.\n",
		"rabbitmq.conf": strings.Replace(string(shared), "/etc/rabbitmq/definitions.json", c.home.etc("definitions.json"), 1) +
			fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %d\n", c.ports[RabbitMQPort], c.ports[ManagementPort]),
	}
	sources := make([]string, 0, len(files))
	for name, content := range files {
		if err := c.write(c.home.etc(name), []byte(content), 0o640, account{c.keeper.uid, c.worker.gid}); err != nil {
			return Process{}, err
		}
	}
	for _, name := range []string{"definitions.json", "enabled_plugins", "rabbitmq.conf"} {
		sources = append(sources, c.home.etc(name))
	}
	data := c.home.data("rabbitmq")
	if err := folder(data, c.worker, 0o700); err != nil {
		return Process{}, err
	}
	p := Process{Name: "rabbitmq", Path: filepath.Join(rabbitMQFolder, "rabbitmq-server"), Stage: stageRabbitMQ,
		Stop: syscall.SIGTERM, Bound: 30 * time.Second, After: address(c.ports[EpmdPort]),
		Env: c.baseEnv("rabbitmq",
			"RABBITMQ_NODENAME="+nodeName,
			"RABBITMQ_CONFIG_FILE="+c.home.etc("rabbitmq.conf"),
			"RABBITMQ_CONFIG_FILES="+c.home.etc("rabbitmq.conf.d"),
			"RABBITMQ_ADVANCED_CONFIG_FILE="+c.home.etc("advanced.config"),
			"RABBITMQ_CONF_ENV_FILE="+c.home.etc("rabbitmq-env.conf"),
			"RABBITMQ_ENABLED_PLUGINS_FILE="+c.home.etc("enabled_plugins"),
			"RABBITMQ_MNESIA_BASE="+data,
			"RABBITMQ_MNESIA_DIR="+filepath.Join(data, "node"),
			"RABBITMQ_FEATURE_FLAGS_FILE="+filepath.Join(data, "feature_flags"),
			"RABBITMQ_PLUGINS_EXPAND_DIR="+filepath.Join(data, "plugins"),
			"RABBITMQ_GENERATED_CONFIG_DIR="+filepath.Join(data, "config"),
			"RABBITMQ_PID_FILE="+filepath.Join(data, "pid"),
			"RABBITMQ_LOG_BASE="+c.home.logs(),
			"RABBITMQ_LOGS=-",
			"RABBITMQ_DIST_PORT="+strconv.Itoa(c.ports[DistributionPort]),
			"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
			"ERL_EPMD_PORT="+strconv.Itoa(c.ports[EpmdPort]),
			"ERL_EPMD_ADDRESS=127.0.0.1",
			"ERL_FLAGS=-start_epmd false",
			"RUNNING_UNDER_SYSTEMD=true", // the script becomes the server instead of staying as its parent
		)}
	if c.options.Fresh { // an orderly stop takes seconds, for data that nobody will read again
		p.Stop = syscall.SIGKILL
	}
	return p, p.seal(sources...)
}

// etcd returns etcd's process, a cluster of one.
func (c *Cluster) etcd() (Process, error) {
	data, client, peer := c.home.data("etcd"), "http://"+address(c.ports[EtcdPort]), "http://"+address(c.ports[EtcdPeerPort])
	if err := folder(data, c.worker, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return Process{}, err
	}
	args := []string{"--name=tizza", "--data-dir=" + data, "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=tizza=" + peer,
		"--auto-compaction-retention=1", "--log-level=warn"}
	if c.options.Fast {
		args = append(args, "--unsafe-no-fsync")
	}
	p := Process{Name: "etcd", Path: c.home.bin("etcd"), Args: args, Env: c.baseEnv("etcd"), Stage: stageEtcd, Stop: syscall.SIGTERM, Bound: 10 * time.Second}
	return p, p.seal(p.Path)
}
