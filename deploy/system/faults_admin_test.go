package system

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFaultWhatAnAdministratorTookAway(t *testing.T) {
	const each = 40
	f := newFault(t, 2*each)
	began := time.Now()
	t.Run("both", func(t *testing.T) { // together, since each waits for the same half minute
		for name, show := range map[string]func(*fault, []string){
			"binding missing":                   (*fault).loseBinding,
			"queue deleted with messages in it": (*fault).loseQueue,
		} {
			people := f.some(each)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := *f
				f.T = t
				show(&f, people)
			})
		}
	})
	t.Logf("%d erasures were told again", f.toldAgain(began))
	f.over()
}

// loseBinding: what is published meanwhile goes past likes, and nobody notices but who waits for its receipts.
func (f *fault) loseBinding(people []string) {
	require.True(f, bound(f.T, "likes"))
	rabbit(f.T, http.MethodDelete, "/api/bindings/%2F/e/users/q/likes.user-deleted/user.deleted.2.%23", nil, nil)
	f.complete(f.forget(people, 0))
	assert.True(f, bound(f.T, "likes"), "the binding is back")
}

// loseQueue: what lay in it is lost, and the one that runs makes a new one.
func (f *fault) loseQueue(people []string) {
	const queue, half = "pizza.user-deleted", 20
	f.stopped("pizza")
	erasures := f.forget(people[:half], 0)
	assert.True(f, within(f.T, patience, func() bool { return messages(f.ctx, f.T)[queue] >= half }))
	rabbit(f.T, http.MethodDelete, "/api/queues/%2F/"+queue, nil, nil)
	require.NoError(f, running.Start(f.ctx, "pizza"))
	rabbit(f.T, http.MethodDelete, "/api/queues/%2F/"+queue, nil, nil)
	assert.True(f, within(f.T, patience, func() bool { return bound(f.T, "pizza") }), "the queue is back")
	f.complete(append(erasures, f.forget(people[half:], 0)...))
}
