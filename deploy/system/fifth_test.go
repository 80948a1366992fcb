package system

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

// fifth is what services/_template is called in the copy that its README makes.
const fifth = "coupons"

func TestFifthServiceJoinsByItselfIsWaitedForAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	before := everything(t)
	five := copyTemplate(t)
	five.do("Let it in")
	five.start()
	five.settled("as declared")
	five.mayNoMore()

	ann, bob := five.personWithPoints(ctx), five.personWithPoints(ctx)
	answer, err := tizza.Call(ctx, ann, http.MethodGet, five.card(ann), nil)
	require.NoError(t, err)
	require.NoError(t, answer.Want(http.StatusOK, nil), "she reads her own")

	five.stop()
	erasure := five.waitedFor(ctx, ann)
	five.start()
	done, err := tizza.Complete(ctx, erasure)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"cards": 1}, done.Deleted(fifth), "it answers when it is back")
	answer, err = five.give(ctx, ann)
	require.NoError(t, err)
	assert.Equal(t, http.StatusGone, answer.Status, "and writes nothing of her again: %s", answer.Body)

	five.discardsALetter(ctx)

	five.stop()
	erasure = five.waitedFor(ctx, bob)
	five.do("Let it go")
	five.left = true
	done, err = tizza.Complete(ctx, erasure)
	require.NoError(t, err)
	assert.Equal(t, "retired", stateOf(done, fifth), "an erasure that waited for it goes on")

	carol, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	erasure, err = carol.BeForgotten(ctx)
	require.NoError(t, err)
	done, err = tizza.Complete(ctx, erasure)
	require.NoError(t, err)
	assert.Empty(t, stateOf(done, fifth), "and later ones know nothing of it")
	assert.Equal(t, before, everything(t), "it left the system as it found it")
}

func (n *joiner) card(of *visitor.Person) string {
	return "http://" + n.address + "/api/v1/cards/" + of.ID
}

func (n *joiner) give(ctx context.Context, to *visitor.Person) (visitor.Answer, error) {
	return tizza.Call(ctx, tizza.Operator(), http.MethodPut, n.card(to), map[string]int{"points": 12})
}

func (n *joiner) personWithPoints(ctx context.Context) *visitor.Person {
	n.t.Helper()
	person, err := tizza.SignUp(ctx, newName())
	require.NoError(n.t, err)
	answer, err := n.give(ctx, person)
	require.NoError(n.t, err)
	require.NoError(n.t, answer.Want(http.StatusCreated, nil))
	return person
}

// waitedFor has a person forgotten and returns when everybody has answered but this service, which does not run.
func (n *joiner) waitedFor(ctx context.Context, person *visitor.Person) (erasure string) {
	n.t.Helper()
	erasure, err := person.BeForgotten(ctx)
	require.NoError(n.t, err)
	var e visitor.Erasure
	require.True(n.t, within(n.t, patience, func() bool {
		answer, err := tizza.Call(ctx, visitor.Anyone{}, http.MethodGet, erasure, nil)
		if err != nil || answer.Want(http.StatusOK, &e) != nil {
			return false
		}
		return !slices.ContainsFunc(services, func(service string) bool { return stateOf(e, service) != "erased" })
	}), "all others answer: %+v", e)
	assert.Equal(n.t, "pending", e.State)
	assert.Equal(n.t, "pending", stateOf(e, fifth))
	return erasure
}

func stateOf(e visitor.Erasure, service string) string {
	for _, h := range e.Holders {
		if h.Service == service {
			return h.State
		}
	}
	return ""
}

// mayNoMore tries what its rights are there to stop.
func (n *joiner) mayNoMore() {
	n.t.Helper()
	conn, err := dial("/", fifth, fifth+"-development")
	require.NoError(n.t, err)
	defer func() { _ = conn.Close() }()
	it := user{t: n.t, name: fifth, conn: conn}
	for _, x := range shared {
		for _, key := range []string{"user.deleted.2.0.0", "pizza.deleted.1.0.0", ""} {
			it.try(false, "publish on "+x.exchange+" by "+key, publish(x.exchange, key))
		}
		it.try(false, "declare exchange "+x.exchange, declareExchange(x.exchange, x.kind))
	}
	it.try(false, "hear the receipts of others", bind(fifth+".user-deleted", "users", "user.erased.1.#"))
	it.try(false, "use the default exchange", publish("", "likes.user-deleted"))
	it.try(false, "declare a queue of likes", declare("likes.new"))
}

// discardsALetter shows that its operator has the commands that the others have.
func (n *joiner) discardsALetter(ctx context.Context) {
	n.t.Helper()
	conn, err := dial("/", fifth, fifth+"-development")
	require.NoError(n.t, err)
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	require.NoError(n.t, err)
	require.NoError(n.t, publish(fifth+".redelivery", fifth+".user-deleted")(ch))
	var letters []map[string]any
	dead := func(want int) bool {
		return within(n.t, patience, func() bool {
			letters = nil
			list := exec.CommandContext(ctx, n.binary(), "dead-letters", "list", "--json")
			list.Env = n.environment()
			out, err := list.Output()
			return err == nil && json.Unmarshal(out, &letters) == nil && len(letters) == want
		})
	}
	require.True(n.t, dead(1), "what it cannot read is a dead letter: %v", letters)
	n.settled("holds 1 message")
	n.run(n.environment(), n.binary(), "dead-letters", "discard", "--all", "--yes", "--operator", "test")
	require.True(n.t, dead(0), "%v", letters)
}

// everything is what the servers hold that a service could leave behind.
func everything(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	var definitions map[string]any
	rabbit(t, http.MethodGet, "/api/definitions", nil, &definitions)
	for kind, list := range definitions {
		things, _ := list.([]any)
		for _, thing := range things {
			text, err := json.Marshal(thing)
			require.NoError(t, err)
			found[kind] = append(found[kind], string(text))
		}
	}
	for kind, query := range map[string]string{"databases": "SELECT datname FROM pg_database", "roles": "SELECT rolname FROM pg_roles"} {
		found[kind] = column(t, query)
	}
	keys := exec.CommandContext(t.Context(), filepath.Join(running.Dir(), "bin", "etcdctl"), "get", "--prefix", "--keys-only", "tizza/development/")
	keys.Env = []string{"ETCDCTL_ENDPOINTS=" + setting["ETCD_ENDPOINTS"]}
	out, err := keys.CombinedOutput()
	require.NoError(t, err, "%s", out)
	found["keys"] = slices.DeleteFunc(strings.Fields(string(out)), func(key string) bool { // other processes come and go
		return (strings.Contains(key, "/instances/") || strings.Contains(key, "/status/")) && !strings.Contains(key, "/"+fifth+"/")
	})
	for _, list := range found {
		slices.Sort(list)
	}
	return found
}

func column(t *testing.T, query string) (values []string) {
	t.Helper()
	rows, err := databases["auth"].QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { assert.NoError(t, rows.Close()) }()
	for rows.Next() {
		var value string
		require.NoError(t, rows.Scan(&value))
		values = append(values, value)
	}
	require.NoError(t, rows.Err())
	return values
}
