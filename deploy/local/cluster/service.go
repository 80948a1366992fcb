package cluster

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// passed are settings of the services that Up takes over from its own environment, so that `LOG_LEVEL=debug make up`
// does what it says. Addresses and secrets are the cluster's own.
var passed = []string{
	"LOG_LEVEL", "PAGE_SIZE", "RATE_LIMIT", "SESSION_TTL", "MESSAGE_FORMAT", "PUBLISH_USER_DELETED_V1",
	"CLIENT_TIMEOUT", "CLIENT_MAX_IN_FLIGHT", "CLIENT_MAX_IN_FLIGHT_PER_HOST", "CLIENT_FAN_OUT", "CLIENT_RETRY_BUDGET",
}

// service returns a service's process. Everything that has a development default in the service itself is left to it.
func (c *Cluster) service(name string) (Process, error) {
	data := c.home.data(name)
	if err := folder(data, c.worker, 0o700); err != nil {
		return Process{}, err
	}
	env := c.baseEnv(name,
		"APP_ENV=development",
		"HTTP_ADDR="+address(c.ports[name]),
		"ADVERTISE_URL="+c.URL(name),
		"DATABASE_URL="+c.databaseURL(name),
		"RABBITMQ_URL=amqp://"+address(c.ports[RabbitMQPort]),
		"RABBITMQ_USERNAME="+name,
		"RABBITMQ_PASSWORD="+name+"-development",
		"ETCD_ENDPOINTS=http://"+address(c.ports[EtcdPort]),
		"STATE_DIR="+filepath.Join(data, "state"),
	)
	for _, other := range Services() {
		env = append(env, strings.ToUpper(other)+"_URL="+c.URL(other))
	}
	for _, entry := range os.Environ() {
		variable, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(variable, "OTEL_") {
			env = append(env, entry)
		}
	}
	for _, variable := range passed {
		if value, ok := os.LookupEnv(variable); ok {
			env = append(env, variable+"="+value)
		}
	}
	more := c.options.Settings[name]
	for _, variable := range slices.Sorted(maps.Keys(more)) {
		env = append(env, variable+"="+more[variable]) // the last one counts
	}
	p := Process{Name: name, Path: c.home.bin(name), Args: []string{"serve"}, Env: env,
		Stage: stageServices, Stop: syscall.SIGTERM, Bound: 30 * time.Second}
	return p, p.seal(p.Path)
}
