package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Process is what the supervisor needs to know to run one part.
type Process struct {
	Name    string         `json:"name"`
	Path    string         `json:"path"`
	Args    []string       `json:"args"`
	Env     []string       `json:"env"`     // all of it: nothing is inherited
	Stage   int            `json:"stage"`   // higher stages stop first
	Stop    syscall.Signal `json:"stop"`    // asks it to stop
	Bound   time.Duration  `json:"bound"`   // nanoseconds it has for that, then it is killed
	After   string         `json:"after"`   // an address that has to accept connections before it is started, if any
	Off     bool           `json:"off"`     // stopped on purpose
	Version string         `json:"version"` // changes when it has to be restarted
}

// The order of stopping, reversed: services first, PostgreSQL last.
const (
	stagePostgres = iota
	stageEpmd
	stageRabbitMQ
	stageEtcd
	stageServices
)

// Plan is everything that should run, in the order of starting.
type Plan struct {
	Processes []Process `json:"processes"`
	Ports     Ports     `json:"ports"`
}

// find returns the process of that name, or nil.
func (p *Plan) find(name string) *Process {
	for i := range p.Processes {
		if p.Processes[i].Name == name {
			return &p.Processes[i]
		}
	}
	return nil
}

// seal sets the process's version from all that makes it what it is, its binary and the files it reads included.
func (p *Process) seal(files ...string) error {
	hash := sha256.New()
	if err := json.NewEncoder(hash).Encode([]any{p.Path, p.Args, p.Env}); err != nil {
		return fmt.Errorf("fingerprint %s: %w", p.Name, err)
	}
	for _, path := range files {
		if err := add(hash, path); err != nil {
			return fmt.Errorf("fingerprint %s: %w", p.Name, err)
		}
	}
	p.Version = hex.EncodeToString(hash.Sum(nil))[:16]
	return nil
}

func add(to io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(to, file)
	return err
}

// record is what the supervisor writes down about a process it started.
type record struct {
	Name     string        `json:"name"`
	Process  Identity      `json:"process"`
	Version  string        `json:"version"`
	Since    time.Time     `json:"since"`
	Restarts int           `json:"restarts"`
	Stage    int           `json:"stage"`
	Stop     int           `json:"stop"`
	Bound    time.Duration `json:"bound"`
}

// supervisorName is the name of the supervisor's own record and log.
const supervisorName = "supervisor"

func readPlan(path string) (Plan, error) {
	var plan Plan
	err := readJSON(path, &plan)
	return plan, err
}

// readRecords returns what is recorded in a run folder by name. A record that cannot be read is left out: its process
// is found by its environment then.
func readRecords(folder string) map[string]record {
	records := map[string]record{}
	paths, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	for _, path := range paths {
		var r record
		if readJSON(path, &r) == nil && r.Name != "" {
			records[r.Name] = r
		}
	}
	return records
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file at once: a reader sees the old one or the new one.
func writeJSON(path string, value any, mode os.FileMode) error {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFile(path, append(raw, '\n'), mode)
}

// writeFile replaces a file at once, with exactly this mode.
func writeFile(path string, content []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // after the rename there is none
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(mode)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
