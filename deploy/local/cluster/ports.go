package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The ports of a cluster, by what listens on them.
const (
	PostgresPort     = "postgres"
	RabbitMQPort     = "rabbitmq"
	ManagementPort   = "rabbitmq-management"
	DistributionPort = "rabbitmq-distribution"
	EpmdPort         = "epmd"
	EtcdPort         = "etcd"
	EtcdPeerPort     = "etcd-peer"
)

// port is one port that the cluster listens on, always on loopback.
type port struct {
	name     string // what listens; a service's port has the service's name
	process  string // the process that opens it
	title    string // for people
	variable string // overrides it
	number   int    // without that and without an offset: below the range that the kernel takes ephemeral ports from
}

var serverPorts = []port{
	{PostgresPort, "postgres", "PostgreSQL", "TIZZA_POSTGRES_PORT", 25432},
	{RabbitMQPort, "rabbitmq", "RabbitMQ", "TIZZA_RABBITMQ_PORT", 25673},
	{ManagementPort, "rabbitmq", "RabbitMQ's management", "TIZZA_RABBITMQ_MANAGEMENT_PORT", 25674},
	{DistributionPort, "rabbitmq", "RabbitMQ's distribution", "TIZZA_RABBITMQ_DISTRIBUTION_PORT", 25675},
	{EpmdPort, "epmd", "epmd (Erlang's port mapper)", "TIZZA_EPMD_PORT", 24369},
	{EtcdPort, "etcd", "etcd", "TIZZA_ETCD_PORT", 22379},
	{EtcdPeerPort, "etcd", "etcd's peers", "TIZZA_ETCD_PEER_PORT", 22380},
}

var servicePorts = []port{
	{"auth", "auth", "auth", "TIZZA_AUTH_PORT", 8001},
	{"pizza", "pizza", "pizza", "TIZZA_PIZZA_PORT", 8002},
	{"likes", "likes", "likes", "TIZZA_LIKES_PORT", 8003},
	{"events", "events", "events", "TIZZA_EVENTS_PORT", 8004},
}

// Services are the names of the system's services.
func Services() []string {
	names := make([]string, len(servicePorts))
	for i, p := range servicePorts {
		names[i] = p.name
	}
	return names
}

func allPorts() []port { return append(append([]port(nil), serverPorts...), servicePorts...) }

// Ports are the port numbers of a cluster by name.
type Ports map[string]int

// NewPorts returns the usual ports, each moved by offset or replaced by its environment variable.
func NewPorts(offset int, getenv func(string) string) (Ports, error) {
	ports, taken := Ports{}, map[int]string{}
	var problems []error
	for _, p := range allPorts() {
		number := p.number + offset
		if value := getenv(p.variable); value != "" {
			given, err := strconv.Atoi(value)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s is not a port: %q", p.variable, value))
				continue
			}
			number = given
		}
		if number < 1 || number > 65535 {
			problems = append(problems, fmt.Errorf("the port of %s would be %d (%s, --port-offset)", p.title, number, p.variable))
		} else if other := taken[number]; other != "" {
			problems = append(problems, fmt.Errorf("%s and %s would share port %d (%s, --port-offset)", other, p.title, number, p.variable))
		}
		taken[number], ports[p.name] = p.title, number
	}
	return ports, errors.Join(problems...)
}

// freePorts returns free ports, below the range that the kernel gives to outgoing connections, so that none of these
// takes one between a stop and the next start.
func freePorts() Ports {
	const lowest = 12000
	highest := ephemeral()
	if highest <= lowest+1000 { // a machine set up otherwise: then anything free has to do
		highest = 32768
	}
	ports, used := Ports{}, map[int]bool{}
	for _, p := range allPorts() {
		number := 0
		for range 1000 {
			number = lowest + rand.IntN(highest-lowest)
			if !used[number] && free(number) == nil {
				break
			}
		}
		used[number], ports[p.name] = true, number
	}
	return ports
}

// ephemeral is the first port that outgoing connections use.
func ephemeral() int {
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 32768
	}
	fields := strings.Fields(string(raw))
	if len(fields) == 0 {
		return 32768
	}
	first, err := strconv.Atoi(fields[0])
	if err != nil {
		return 32768
	}
	return first
}

// free returns an error if nobody can listen on the port of the loopback address.
func free(number int) error {
	listener, err := net.Listen("tcp", address(number))
	if err != nil {
		return err
	}
	return listener.Close()
}

func address(number int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(number)) }

// check names every port that somebody else has, who that is as far as it can be seen, and what to do about it.
// Ports for which ours is true are held by the cluster itself.
func (ports Ports) check(wanted []port, ours func(port) bool) error {
	var problems []error
	for _, p := range wanted {
		if ours(p) {
			continue
		}
		number := ports[p.name]
		err := free(number)
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			problems = append(problems, fmt.Errorf("port %d, which %s needs, cannot be used: %w; %s=<port> takes another", number, p.title, err, p.variable))
			continue
		}
		problems = append(problems, fmt.Errorf("port %d, which %s needs, is taken by %s; stop that, or take another port with %s=<port>, or move all with --port-offset (TIZZA_PORT_OFFSET)",
			number, p.title, holder(number), p.variable))
	}
	return errors.Join(problems...)
}

// Variables returns the environment variables that say the same.
func (ports Ports) Variables() map[string]int {
	variables := map[string]int{}
	for _, p := range allPorts() {
		variables[p.variable] = ports[p.name]
	}
	return variables
}
