package command

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/topology"
)

// atBroker is the program at a broker where nothing is declared.
func atBroker(t *testing.T, declared broker.Topology) (Program[config], *servertest.Broker) {
	t.Helper()
	atEtcd(t)
	server := servertest.RabbitMQ(t)
	t.Setenv("RABBITMQ_MANAGEMENT_URL", server.ManagementURL)
	t.Setenv("RABBITMQ_USERNAME", server.Username)
	t.Setenv("RABBITMQ_PASSWORD", server.Password)
	p := program()
	p.Broker = func(config) broker.Config { return broker.Config{URL: server.URL} }
	p.Topology = func(config) broker.Topology { return declared }
	return p, server
}

var letters = broker.Topology{Service: "letters", Subscriptions: []broker.Subscription{{
	Queue: "letters.sent", Exchange: "post", Reads: []string{"post.sent.1"}, Handle: func(context.Context, broker.Delivery) error { return nil },
}}}

func TestTopologyList(t *testing.T) {
	p := program()
	p.Topology = func(config) broker.Topology { return letters }
	code, stdout, stderr := run(t, p, "topology", "list")
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^KIND +NAME +TYPE +GETS\nexchange +letters.redelivery +direct *\nqueue +letters.sent +quorum +letters.redelivery by letters.sent, post by post.sent.1.#\n`, stdout)

	code, stdout, stderr = run(t, p, "topology", "list", "--json")
	require.Zero(t, code, stderr)
	var items []topology.Item
	require.NoError(t, json.Unmarshal([]byte(stdout), &items))
	assert.Equal(t, "reject-publish", items[1].Arguments["x-overflow"])
}

func TestTopologyCheckFailsWithALineForEachProblem(t *testing.T) {
	p, _ := atBroker(t, letters)
	code, stdout, stderr := run(t, p, "topology", "check")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "problem: queue letters.sent.dead is missing: start letters")
	assert.Contains(t, stdout, "problem: exchange post is missing: start the service that owns it")
	assert.NotContains(t, stdout, "as declared")
	assert.Equal(t, "letters: problems in the topology: 7\n", stderr)

	code, stdout, _ = run(t, p, "topology", "check", "--json")
	assert.Equal(t, 1, code)
	var findings []topology.Finding
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings))
	assert.Len(t, findings, 7)
	assert.True(t, findings[0].Problem)
}

func TestTopologyCheckIsQuietWhereAllIsAsDeclared(t *testing.T) {
	p, _ := atBroker(t, broker.Topology{Service: "letters"})
	code, stdout, stderr := run(t, p, "topology", "check")
	assert.Zero(t, code, stderr)
	assert.Equal(t, "as declared\n", stdout)
}

func TestTopologyCheckSaysWhoMayLook(t *testing.T) {
	p, server := atBroker(t, letters)
	name, password := server.User(t, ".*", ".*", ".*")
	t.Setenv("RABBITMQ_PASSWORD", password)
	code, stdout, stderr := run(t, p, "topology", "check", "--username", name)
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "tag monitoring")
	assert.NotContains(t, stderr, password)

	t.Setenv("RABBITMQ_MANAGEMENT_URL", "")
	code, _, stderr = run(t, p, "topology", "check")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "RABBITMQ_MANAGEMENT_URL: must be an absolute http or https URL")
}
