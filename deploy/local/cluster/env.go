package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Variable is one shell assignment.
type Variable struct{ Name, Value string }

// Environment returns what `.local/env` tells people and tools about the running system; for servers only, what tests
// need to find them.
func (c *Cluster) Environment() []Variable {
	etcd := "http://" + address(c.ports[EtcdPort])
	management := "http://" + address(c.ports[ManagementPort])
	if c.options.ServersOnly {
		broker := url.URL{Scheme: "amqp", User: url.UserPassword(rabbitMQAdmin, rabbitMQPassword), Host: address(c.ports[RabbitMQPort]), Path: "/"}
		rabbitMQ := []Variable{{"TEST_RABBITMQ_URL", broker.String()}, {"TEST_RABBITMQ_MANAGEMENT_URL", management}}
		if c.options.BrokerOnly {
			return rabbitMQ
		}
		return append([]Variable{
			{"TEST_POSTGRES_URL", c.database(postgresAdmin, postgresPassword, "postgres")},
			{"TEST_ETCD_ENDPOINTS", etcd},
		}, rabbitMQ...)
	}
	var variables []Variable
	for _, name := range Services() {
		variables = append(variables, Variable{strings.ToUpper(name) + "_URL", c.URL(name)})
	}
	variables = append(variables,
		Variable{"ETCD_ENDPOINTS", etcd},
		Variable{"RABBITMQ_URL", "amqp://" + address(c.ports[RabbitMQPort])},
		Variable{"RABBITMQ_MANAGEMENT_URL", management},
		Variable{"RABBITMQ_USERNAME", rabbitMQAdmin},
		Variable{"RABBITMQ_PASSWORD", rabbitMQPassword},
	)
	for _, name := range Services() {
		variables = append(variables, Variable{strings.ToUpper(name) + "_DATABASE_URL", c.databaseURL(name)})
	}
	return append(variables, Variable{"OPERATOR_TOKEN", "operator:operator-development"})
}

// databaseURL is a service's own database, with its own role.
func (c *Cluster) databaseURL(service string) string {
	return c.database(service, service+"-development", service)
}

func (c *Cluster) database(role, password, name string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: address(c.ports[PostgresPort]), Path: "/" + name, RawQuery: "sslmode=disable"}
	return u.String()
}

// Render writes variables as shell assignments that any shell reads back as they are.
func Render(variables []Variable) string {
	var b strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&b, "%s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
	}
	return b.String()
}

// writeEnv leaves the addresses and secrets where people and tools look for them, readable by their owner only.
func (c *Cluster) writeEnv() error {
	return c.write(filepath.Join(c.dir, "env"), []byte(Render(c.Environment())), 0o600, c.keeper)
}

// WriteEnv writes the file for a system with these ports that something else runs (Compose).
func (c *Cluster) WriteEnv() error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	if err := os.Lchown(c.dir, c.keeper.uid, c.keeper.gid); err != nil {
		return err
	}
	return c.writeEnv()
}

// RemoveEnv removes the file: nothing answers at its addresses any more.
func (c *Cluster) RemoveEnv() error {
	if err := os.Remove(filepath.Join(c.dir, "env")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// MarkCompose notes that this checkout has started the system with Compose, so that its volumes are its own.
func (c *Cluster) MarkCompose() error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	return c.write(filepath.Join(c.dir, "compose"), nil, 0o644, c.keeper)
}

// MarkedCompose says whether MarkCompose was called since the last Clean.
func (c *Cluster) MarkedCompose() bool {
	_, err := os.Stat(filepath.Join(c.dir, "compose"))
	return err == nil
}
