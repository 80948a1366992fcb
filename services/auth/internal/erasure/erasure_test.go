package erasure

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a Store that answers what a test tells it to.
type book struct {
	Store
	begun  []Erasure
	asked  version.Condition
	remind func(limit int) (int, error)
}

func (b *book) Begin(_ context.Context, e Erasure, condition version.Condition) (Erasure, error) {
	b.begun, b.asked = append(b.begun, e), condition
	return e, nil
}

func (b *book) List(context.Context, page.Window) (page.Result[Erasure], error) {
	return page.Result[Erasure]{}, nil
}

func (b *book) Remind(_ context.Context, limit int) (int, error) { return b.remind(limit) }

func TestAnErasureIsOverdueAfterItsDeadlineAndNeverOnceComplete(t *testing.T) {
	due := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	e := Erasure{DueAt: due}
	assert.Equal(t, Pending, e.State(due))
	assert.Equal(t, Overdue, e.State(due.Add(time.Second)))
	e.CompletedAt = &due
	assert.Equal(t, Complete, e.State(due.Add(time.Hour)))
	assert.Equal(t, 30*24*time.Hour, Deadline)
}

func TestEachErasureHasAnIDThatNobodyGuesses(t *testing.T) {
	b := &book{}
	person := uuid.New()
	for range 2 {
		_, err := NewService(b).Request(t.Context(), identity.Caller{User: person}, person, version.Condition{})
		require.NoError(t, err)
	}
	for _, e := range b.begun {
		assert.Regexp(t, regexp.MustCompile(`^[0-9a-f]{32}$`), e.ID)
		assert.Equal(t, person, e.Person)
	}
	assert.NotEqual(t, b.begun[0].ID, b.begun[1].ID)
	assert.NotEqual(t, b.begun[0].Message, b.begun[1].Message)
}

func TestRights(t *testing.T) {
	person := uuid.New()
	const allowed = fault.Internal
	for _, test := range []struct {
		name          string
		caller        identity.Caller
		request, list fault.Kind
	}{
		{"anyone", identity.Caller{}, fault.Unauthenticated, fault.Unauthenticated},
		{"the person", identity.Caller{User: person}, allowed, fault.Forbidden},
		{"somebody else", identity.Caller{User: uuid.New()}, fault.Forbidden, fault.Forbidden},
		{"staff", identity.Caller{User: uuid.New(), Staff: true}, allowed, allowed},
		{"a service", identity.Caller{Client: "operator"}, allowed, allowed},
	} {
		b, condition := &book{}, version.Condition{Match: []int64{7}}
		_, err := NewService(b).Request(t.Context(), test.caller, person, condition)
		assert.Equal(t, test.request != allowed, fault.Is(err, test.request), "%s: request: %v", test.name, err)
		if test.request == allowed {
			assert.Equal(t, condition, b.asked, "%s: it is the ledger that sees the version", test.name)
		} else {
			assert.Empty(t, b.begun, "%s: rights come before conditions", test.name)
		}
		_, err = NewService(b).List(t.Context(), test.caller, page.Window{Limit: 1})
		assert.Equal(t, test.list != allowed, fault.Is(err, test.list), "%s: list: %v", test.name, err)
	}
}

func TestTheReminderBeginsWhenReadyAndGoesOnForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var calls atomic.Int32
		b := &book{remind: func(limit int) (int, error) {
			switch calls.Add(1) {
			case 1, 2: // full batches, so there may be more
				return limit, nil
			case 3:
				return 1, nil
			case 4, 5:
				return 0, errors.New("database is down")
			}
			return 0, nil
		}}
		ready := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- NewReminder(b, ready, slog.New(slog.NewTextHandler(&log, nil))).Run(ctx) }()
		synctest.Wait()
		assert.EqualValues(t, 0, calls.Load())

		close(ready)
		synctest.Wait()
		assert.EqualValues(t, 3, calls.Load())
		for want := 4; want <= 8; want++ {
			<-time.After(remindEvery)
			synctest.Wait()
			assert.EqualValues(t, want, calls.Load())
		}
		cancel()
		require.NoError(t, <-ended)
		assert.Equal(t, 1, strings.Count(log.String(), "trying again"), "one line per change")
		assert.Equal(t, 1, strings.Count(log.String(), "works again"))
	})
}
