package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	readyBound  = 3 * time.Minute // for each part; a loaded machine is slow, but not for ever
	manyDeaths  = 10              // a part that died this often since Up is not going to be ready
	probeBound  = 3 * time.Second
	probePeriod = 100 * time.Millisecond
)

// wait returns when all parts are ready, in the order in which they need each other, saying so for each that was not
// running before.
func (c *Cluster) wait(ctx context.Context, before map[string]record) error {
	plan, err := readPlan(c.home.etc("plan.json"))
	if err != nil {
		return err
	}
	same := len(before) > 0
	for _, p := range plan.Processes {
		if err := c.Wait(ctx, p.Name); err != nil {
			return err
		}
		if p.Name == "postgres" {
			if err := c.databases(ctx); err != nil {
				return err
			}
		}
		if was, ok := before[p.Name]; ok && was.Process == c.alive()[p.Name].Process {
			continue
		}
		same = false
		c.say("%s is ready on %s", c.title(p.Name), address(c.portOf(p.Name)))
	}
	if same {
		c.say("already running")
	}
	return nil
}

// portOf returns the first port that a process listens on.
func (c *Cluster) portOf(process string) int { return c.ports[process] }

func (c *Cluster) title(process string) string {
	for _, p := range allPorts() {
		if p.process == process {
			return p.title
		}
	}
	return process
}

// Wait returns when a part runs as planned and answers as ready, or with its last words if it does not.
func (c *Cluster) Wait(ctx context.Context, name string) error {
	plan, err := readPlan(c.home.etc("plan.json"))
	if err != nil {
		return err
	}
	wanted := plan.find(name)
	if wanted == nil {
		return fmt.Errorf("there is no part called %s", name)
	}
	ctx, cancel := context.WithTimeout(ctx, readyBound)
	defer cancel()
	first := -1
	var reason error
	err = poll(ctx, probePeriod, func() (bool, error) {
		now, ok := readRecords(c.home.run(""))[name]
		if !ok || now.Version != wanted.Version {
			reason = errors.New("it has not been started")
			return false, nil
		}
		if first < 0 {
			first = now.Restarts
		}
		if now.Restarts-first >= manyDeaths {
			return false, errors.New("it ends again and again")
		}
		if !now.Process.Alive() {
			reason = errors.New("it is down")
			return false, nil
		}
		reason = c.probe(ctx, name)
		return reason == nil, nil
	})
	if errors.Is(err, context.DeadlineExceeded) && reason != nil {
		err = reason
	}
	if err != nil {
		return fmt.Errorf("%s is not ready: %w\nthe end of %s:\n%s", c.title(name), err, c.home.log(name), c.tail(name))
	}
	return nil
}

// probe asks a part once whether it does its work.
func (c *Cluster) probe(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, probeBound)
	defer cancel()
	switch name {
	case "postgres":
		return run(ctx, filepath.Join(postgresBin(), "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(c.ports[PostgresPort]))
	case "epmd":
		return run(ctx, "epmd", "-port", strconv.Itoa(c.ports[EpmdPort]), "-names")
	case "rabbitmq": // asked with the administrator's name, it also says that the definitions are loaded
		return c.get(ctx, fmt.Sprintf("http://%s/api/health/checks/port-listener/%d", address(c.ports[ManagementPort]), c.ports[RabbitMQPort]))
	case "etcd":
		return c.get(ctx, "http://"+address(c.ports[EtcdPort])+"/health")
	default:
		return c.get(ctx, c.URL(name)+"/readyz")
	}
}

func run(ctx context.Context, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

func (c *Cluster) get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(rabbitMQAdmin, rabbitMQPassword)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 500))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}

// tail returns the end of a part's log.
func (c *Cluster) tail(name string) string {
	file, err := os.Open(c.home.log(name))
	if err != nil {
		return "    (there is none)"
	}
	defer func() { _ = file.Close() }()
	const enough = 8 << 10
	if info, err := file.Stat(); err == nil && info.Size() > enough {
		_, _ = file.Seek(-enough, io.SeekEnd)
	}
	content, _ := io.ReadAll(io.LimitReader(file, enough))
	return last(string(content), 12)
}
