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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a Store that answers what a test tells it to.
type book struct {
	Store
	begun  []Erasure
	remind func(limit int) (int, error)
}

func (b *book) Begin(_ context.Context, e Erasure) (Erasure, error) {
	b.begun = append(b.begun, e)
	return e, nil
}

func (b *book) List(context.Context, int, int) ([]Erasure, int64, error) { return nil, 0, nil }

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
		_, err := NewService(b).Request(t.Context(), identity.Caller{User: person}, person)
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
		_, err := NewService(&book{}).Request(t.Context(), test.caller, person)
		assert.Equal(t, test.request != allowed, fault.Is(err, test.request), "%s: request: %v", test.name, err)
		_, _, err = NewService(&book{}).List(t.Context(), test.caller, 1, 0)
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
