package system

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// poison is a message that nobody will ever be able to read, on its way to one queue alone.
func poison(queue string) letter {
	return letter{RoutingKey: queue, Payload: "not what it says", Properties: properties{
		Type: "user.deleted.2.0.0", MessageID: uuid.NewString(), ContentType: "application/json",
	}}
}

func TestFaultPoisonAmongTheDeletions(t *testing.T) {
	const queue, poisons = "likes.user-deleted", 100
	f := newFault(t, 150)
	f.unburied(queue)
	var poisoner errgroup.Group
	poisoner.Go(func() error {
		for range poisons {
			say(t, "likes.redelivery", poison(queue))
		}
		return nil
	})
	erasures := f.forget(f.some(150), 0)
	f.complete(erasures)
	require.NoError(t, poisoner.Wait())

	letters := f.buried(queue, poisons)
	ids := map[string]bool{}
	for _, l := range letters {
		ids[l.Properties.MessageID] = true
		assert.NotEmpty(t, l.reason(), "a dead letter says why it is one")
		assert.Equal(t, queue, l.Properties.Headers["x-source-queue"])
		assert.Equal(t, "not what it says", l.Payload)
	}
	assert.Len(t, ids, poisons, "each once")
	f.over()
}

func TestFaultUnknownVersion(t *testing.T) {
	f := newFault(t, 1)
	f.unburied("likes.user-deleted", "auth.user-erased")
	living := f.people[0]
	l := poison("likes.user-deleted")
	l.Properties.Type = "user.deleted.3.0.0"
	l.Payload = fmt.Sprintf(`{"user_uuid":%q,"erasure_id":"of a later version","deleted_at":"2026-01-01T00:00:00Z"}`, living)
	say(t, "likes.redelivery", l)

	letters := f.buried("likes.user-deleted", 1)
	require.Len(t, letters, 1)
	assert.Contains(t, letters[0].reason(), "user.deleted.3.0.0", "what came")
	assert.Contains(t, letters[0].reason(), "user.deleted.2", "and what is read")
	assert.Equal(t, "1", letters[0].Properties.Headers["x-attempt"], "at once")
	assert.Equal(t, 1, f.count("likes", "SELECT count(*) FROM likes WHERE user_uuid = $1", living), "nobody acted on what they do not know")
	f.complete(f.forget(f.some(1), 0))
	f.over()
}

// TestFaultDeadLetterTargetMissing: more poison than handlers, none of which can be put where it belongs at first.
func TestFaultDeadLetterTargetMissing(t *testing.T) {
	const queue, poisons, n = "likes.user-deleted", 60, 60
	f := newFault(t, n)
	f.unburied(queue)
	people := f.some(n)
	rabbit(t, http.MethodDelete, "/api/queues/%2F/"+queue+".dead", nil, nil)
	for range poisons {
		say(t, "likes.redelivery", poison(queue))
	}
	f.complete(f.forget(people, 0))
	f.buried(queue, poisons)
	f.over()
}
