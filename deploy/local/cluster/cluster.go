package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options say what a cluster is made of. The zero value is the whole system on its usual ports in .local.
type Options struct {
	Root        string                       // the checkout; found upwards from the working directory if empty
	Dir         string                       // the cluster's folder, relative to Root; .local if empty
	Ports       Ports                        // those of the last Up, or the usual ones, if nil (NewPorts)
	FreePorts   bool                         // any free ports, chosen at the start and kept while it runs
	ServersOnly bool                         // PostgreSQL, RabbitMQ and etcd only
	BrokerOnly  bool                         // RabbitMQ only: a second one, to which a system can move
	Browser     bool                         // install Chromium too, which the system's tests drive
	Node        bool                         // install Node.js and npm too, which the system's tests build a client with
	Curl        bool                         // install curl too, which the commands of services/_template call
	Fast        bool                         // for tests: nothing waits for a disk, data does not survive a crash of the machine
	Fresh       bool                         // if it does not run yet, start with empty servers
	Settings    map[string]map[string]string // more environment per service
	Out         io.Writer                    // progress, a line per step; none if nil
}

// Cluster is one system on this machine. Its methods may be called from several goroutines; the cluster itself lives on
// in its own processes.
type Cluster struct {
	options        Options
	root, dir      string
	home           home
	worker, keeper account
	ports          Ports
	began          time.Time
	saying         sync.Mutex
	planning       sync.Mutex // read, change and write the plan
}

// Open finds a cluster, whether it runs or not, and changes nothing.
func Open(options Options) (*Cluster, error) {
	root, err := checkout(options.Root)
	if err != nil {
		return nil, err
	}
	if options.Dir == "" {
		options.Dir = ".local"
	}
	dir := options.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	if options.Out == nil {
		options.Out = io.Discard
	}
	options.ServersOnly = options.ServersOnly || options.BrokerOnly
	c := &Cluster{options: options, root: root, dir: dir, home: homeOf(dir), ports: options.Ports, began: time.Now()}
	if c.worker, c.keeper, err = accounts(root); err != nil {
		return nil, err
	}
	if c.ports == nil {
		if plan, err := readPlan(c.home.etc("plan.json")); err == nil && len(plan.Ports) > 0 {
			c.ports = plan.Ports
		} else if c.ports, err = NewPorts(0, os.Getenv); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkout walks up to the folder that holds go.work.
func checkout(from string) (string, error) {
	folder, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.work")); err == nil {
			return filepath.EvalSymlinks(folder)
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no go.work here or above: run this in a checkout of tizza")
		}
		folder = parent
	}
}

// Ports returns the cluster's ports.
func (c *Cluster) Ports() Ports { return c.ports }

// Root returns the checkout.
func (c *Cluster) Root() string { return c.root }

// Dir returns the cluster's folder.
func (c *Cluster) Dir() string { return c.dir }

// Etcdctl returns how to call etcdctl: the one that was built or, with Compose, the container's.
func (c *Cluster) Etcdctl() string {
	if present(c.dir, "etcdctl") {
		return filepath.Join(c.dir, "bin", "etcdctl") + " --endpoints=" + address(c.ports[EtcdPort])
	}
	return "docker compose exec etcd etcdctl"
}

// URL returns where a service answers, without a path.
func (c *Cluster) URL(service string) string { return "http://" + address(c.ports[service]) }

// say reports a step with the seconds since the start.
func (c *Cluster) say(format string, args ...any) {
	c.saying.Lock()
	defer c.saying.Unlock()
	_, _ = fmt.Fprintf(c.options.Out, "%6.1fs  %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// lock waits until no other Up or Down is at work on this cluster.
func (c *Cluster) lock(ctx context.Context) (*lock, error) {
	path, told := filepath.Join(c.dir, "lock"), false
	var held *lock
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		var err error
		held, err = acquire(path)
		if errors.Is(err, errLocked) {
			if !told {
				c.say("waiting for another command that is at work on %s", c.dir)
				told = true
			}
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return nil, fmt.Errorf("lock the cluster: %w", err)
	}
	return held, os.Lchown(path, c.keeper.uid, c.keeper.gid)
}

// alive returns the records of the processes that run, the supervisor's included.
func (c *Cluster) alive() map[string]record {
	records := readRecords(c.home.run(""))
	for name, r := range records {
		if !r.Process.Alive() {
			delete(records, name)
		}
	}
	return records
}
