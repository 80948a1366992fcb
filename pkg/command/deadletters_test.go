package command

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

// post is a service with a queue, and a terminal that answers.
type post struct {
	t       *testing.T
	broker  broker.Config
	url     setting.Secret
	server  *servertest.Broker
	channel *amqp.Channel
}

func newPost(t *testing.T) *post {
	atEtcd(t)
	server := servertest.RabbitMQ(t)
	p := &post{
		t: t, server: server, channel: server.Channel(t),
		broker: broker.Config{URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password)},
		url:    setting.Secret(servertest.Postgres(t, deadletter.Schema()).URL()),
	}
	require.NoError(t, p.channel.ExchangeDeclare("letters.redelivery", "direct", true, false, false, false, nil))
	for _, q := range p.program().Topology(config{}).Queues() {
		_, err := p.channel.QueueDeclare(q.Name, true, false, false, false, q.Arguments)
		require.NoError(t, err)
		require.NoError(t, p.channel.QueueBind(q.Name, q.Name, "letters.redelivery", false, nil))
	}
	require.NoError(t, p.channel.Confirm(false))
	return p
}

func (p *post) program() Program[config] {
	program := program()
	program.Broker = func(config) broker.Config { return p.broker }
	program.Topology = func(config) broker.Topology {
		return broker.Topology{Service: "letters", Subscriptions: []broker.Subscription{{Queue: "letters.in", Exchange: "news"}}}
	}
	program.Schemas = func() []postgres.Schema { return []postgres.Schema{deadletter.Schema()} }
	program.Database = func(config) postgres.Config { return postgres.Config{URL: p.url, MaxConns: 2} }
	return program
}

func (p *post) settings() config {
	loaded, err := load(p.program(), io.Discard)
	require.NoError(p.t, err)
	return loaded.Config().Program
}

func (p *post) put(reason string) (id string) {
	id = uuid.NewString()
	confirm, err := p.channel.PublishWithDeferredConfirm("letters.redelivery", "letters.in.dead", true, false, amqp.Publishing{
		MessageId: id, DeliveryMode: amqp.Persistent, ContentType: "application/json", Type: "paper.out.1.0.0", AppId: "press",
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Body: []byte(`{"name":"top secret"}`),
		Headers: amqp.Table{"x-attempt": "10", "x-reason": reason, "x-exchange": "news", "x-key": "paper.out.1.0.0", "x-first-failure": "2026-01-02T03:04:06Z"},
	})
	require.NoError(p.t, err)
	require.True(p.t, confirm.Wait())
	return id
}

func (p *post) run(args ...string) (code int, stdout, stderr string) {
	return run(p.t, p.program(), append([]string{"dead-letters"}, args...)...)
}

func (p *post) holds(queue string, expected int) {
	p.t.Helper()
	servertest.Eventually(p.t, 20*time.Second, "messages in "+queue, func() bool {
		depth, _ := p.server.Depth(p.t, queue)
		return depth == expected
	})
}

func TestDeadLettersAreListedAndShown(t *testing.T) {
	p := newPost(t)
	code, stdout, stderr := p.run("list", "--json")
	assert.Equal(t, []any{0, "[]\n", ""}, []any{code, stdout, stderr})

	id := p.put("was\n\x1b[31mdown")
	code, stdout, stderr = p.run("list")
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr)
	assert.Equal(t, ""+
		"MESSAGE                               QUEUE       KEY              ATTEMPTS  REPLAYS  FIRST FAILURE         LAST FAILURE  REASON\n"+
		id+"  letters.in  paper.out.1.0.0  10        0        2026-01-02T03:04:06Z  unknown       was\\n\\x1b[31mdown\n", stdout)

	p.put("was down")
	p.holds("letters.in.dead", 2)
	code, stdout, stderr = p.run("list", "--limit=1", "--json")
	require.Zero(t, code, stderr)
	assert.Equal(t, "1 more; --limit shows them\n", stderr)
	var letters []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &letters))
	require.Len(t, letters, 1)
	assert.NotContains(t, letters[0], "payload")

	p.holds("letters.in.dead", 2)
	code, stdout, stderr = p.run("show", id)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "2026-01-02T03:04:05Z, by press, on news")
	assert.Contains(t, stdout, `"name": "…10 characters"`)
	assert.NotContains(t, stdout, "top secret")
	assert.NotContains(t, stdout, "\x1b")

	code, stdout, stderr = p.run("show", id, "--payload", "--json", "--operator=ann")
	require.Zero(t, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &letters))
	assert.Equal(t, map[string]any{"name": "top secret"}, letters[0]["payload"])

	code, stdout, _ = p.run("history")
	require.Zero(t, code)
	assert.Regexp(t, `(?m)^AT +OPERATOR +ACTION .*\n\S+ +ann +reveal +letters\.in +`+id, stdout)

	code, _, stderr = p.run("show", "nobody")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `"nobody"`)
}

func TestDeadLettersAreReplayed(t *testing.T) {
	p := newPost(t)
	first := p.put("was down")
	p.put("is broken")

	code, stdout, stderr := p.run("replay", "--reason=down", "--dry-run")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, first)
	assert.NotContains(t, stdout, "broken")
	p.holds("letters.in.dead", 2)

	code, stdout, stderr = p.run("replay", first, "--queue=letters.in", "--json")
	require.Zero(t, code, stderr)
	assert.JSONEq(t, `[{"queue":"letters.in","done":1,"failed":0}]`, stdout)
	p.holds("letters.in", 1)

	code, stdout, stderr = p.run("replay", first, "--queue=letters.in")
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout)
	assert.Equal(t, "letters: there is no dead letter \""+first+"\"\n", stderr)

	for _, bad := range [][]string{{"replay"}, {"replay", "a", "--all"}, {"discard", "--all", "--reason=x"}} {
		code, _, stderr = p.run(bad...)
		assert.Equal(t, 2, code)
		assert.Contains(t, stderr, "one of the three")
	}
	code, _, stderr = p.run("replay", "--all", "--queue=letters.out")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "letters.in")

	code, stdout, stderr = p.run("replay", "--all")
	require.Zero(t, code, stderr)
	assert.Equal(t, "QUEUE       REPLAYED  FAILED\nletters.in  1         0\n", stdout)

	_, stdout, _ = p.run("history", "--json")
	var actions []deadletter.Action
	require.NoError(t, json.Unmarshal([]byte(stdout), &actions))
	require.Len(t, actions, 2)
	assert.Equal(t, osUser(), actions[0].Operator)
}

func TestDeadLettersAreDiscardedOnlyWhenThatIsMeant(t *testing.T) {
	p := newPost(t)
	p.put("was down")
	p.put("is broken")
	code, _, stderr := p.run("discard", "--all")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "--yes")
	p.holds("letters.in.dead", 2)

	ask := func(answer string, selection deadLettersOf) (stdout, asked string, err error) {
		p.holds("letters.in.dead", 2)
		var out, questions strings.Builder
		command := deadLettersDiscard[config]{deadLettersOf: selection}
		person := &terminal{in: strings.NewReader(answer), out: &questions, answer: true}
		err = command.Run(t.Context(), p.program(), p.settings(), &out, person)
		return out.String(), questions.String(), err
	}
	stdout, asked, err := ask("what?\n", deadLettersOf{All: true})
	require.ErrorContains(t, err, "nothing was discarded")
	assert.Empty(t, stdout)
	assert.Equal(t, "Discard 2 dead letters for good? [y/N] ", asked)

	stdout, asked, err = ask("y\n", deadLettersOf{Reason: "broken"})
	require.NoError(t, err)
	assert.Equal(t, "Discard 1 dead letters for good? [y/N] ", asked)
	assert.Equal(t, "QUEUE       DISCARDED  FAILED\nletters.in  1          0\n", stdout)
	p.holds("letters.in.dead", 1)

	code, _, stderr = p.run("discard", "--all", "--yes")
	require.Zero(t, code, stderr)
	p.holds("letters.in.dead", 0)
	p.holds("letters.in", 0)
}

// A letter that came after the question was asked is not what the answer is about.
func TestWhatComesWhileThePersonThinksIsNotDiscarded(t *testing.T) {
	p := newPost(t)
	p.put("was down")
	command := deadLettersDiscard[config]{deadLettersOf: deadLettersOf{All: true}}
	var out strings.Builder
	person := &terminal{in: reader(func() string { p.put("came late"); return "yes\n" }), out: &out, answer: true}
	require.NoError(t, command.Run(t.Context(), p.program(), p.settings(), &out, person))
	p.holds("letters.in.dead", 1)
	_, stdout, _ := p.run("list")
	assert.Contains(t, stdout, "came late")
}

// reader is a person who does something before they answer.
type reader func() string

func (r reader) Read(into []byte) (int, error) { return copy(into, r()), nil }

func TestProgressIsShownToPeopleOnly(t *testing.T) {
	p := newPost(t)
	for range few + 1 {
		p.put("was down")
	}
	for _, shows := range []bool{false, true} {
		p.holds("letters.in.dead", few+1)
		var out, bar strings.Builder
		err := deadLettersList[config]{List: List{JSON: true}, Limit: 100}.
			Run(t.Context(), p.program(), p.settings(), &out, &terminal{out: &bar, shows: shows})
		require.NoError(t, err)
		assert.Equal(t, shows, bar.Len() > 0)
		assert.True(t, json.Valid([]byte(out.String())))
	}
}

func TestDeadLettersWhenSomethingIsDown(t *testing.T) {
	p := newPost(t)
	id := p.put("was down")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	require.NoError(t, err)
	defer silent.Close()
	url, databaseURL := p.broker.URL, p.url
	for _, test := range []struct {
		broker, database, expect string
		args                     []string
	}{
		{"amqp://127.0.0.1:1/", "", "dial broker", []string{"list"}},
		{"amqp://" + silent.Addr().String(), "", "dial broker", []string{"replay", "--all"}},
		{"", "postgres://nobody:hunter2@127.0.0.1:1/db", "audit", []string{"replay", "--all"}},
		{"", "postgres://nobody:hunter2@127.0.0.1:1/db", "audit", []string{"discard", "--all", "--yes"}},
		{"", "postgres://nobody:hunter2@127.0.0.1:1/db", "audit", []string{"show", id, "--payload"}},
		{"", "postgres://nobody:hunter2@127.0.0.1:1/db", "audit", []string{"history"}},
	} {
		p.broker.URL, p.url = url, databaseURL
		if test.broker != "" {
			p.broker.URL = test.broker
		}
		if test.database != "" {
			p.url = setting.Secret(test.database)
		}
		began := time.Now()
		code, stdout, stderr := p.run(test.args...)
		assert.Equal(t, 1, code, test.args)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, test.expect)
		assert.NotContains(t, stderr, "hunter2")
		assert.NotContains(t, stderr, p.broker.Password.Reveal())
		assert.Less(t, time.Since(began), 30*time.Second)
	}
	p.holds("letters.in.dead", 1)
}

func TestAQuestionEndsWithTheCommand(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	silent, write := net.Pipe()
	defer write.Close()
	defer silent.Close()
	assert.False(t, (&terminal{in: silent, out: &strings.Builder{}}).confirm(ctx, "Sure?"))
}
