package event_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestReplacingAnEvent(t *testing.T) {
	t.Parallel()
	born := time.Now()
	old := event.Event{ID: 1, Title: "Dinner", Description: "bring a fork", Place: "home", Pizza: new(int64(7)), Host: &ada, CreatedAt: born, Version: 3}
	nothing, null := event.Nullable[uuid.UUID]{}, event.Nullable[uuid.UUID]{Said: true}
	for _, test := range []struct {
		name     string
		caller   identity.Caller
		said     event.Nullable[uuid.UUID]
		host     *uuid.UUID
		admitted *uuid.UUID
	}{
		{"a host who says nothing stays it", person, nothing, &ada, &ada},
		{"a host whom staff leave unsaid stays it", identity.Caller{User: bob, Staff: true}, nothing, &ada, &bob},
		{"a host whom a service leaves unsaid stays it", service, nothing, &ada, nil},
		{"a service gives it to the house", service, null, nil, nil},
		{"a service gives it to somebody else", service, somebody(bob), &bob, &bob},
	} {
		t.Run(test.name+", and the rest is new", func(t *testing.T) {
			t.Parallel()
			store := &diary{events: map[int64]event.Event{1: old}}
			d := draft()
			d.Host = test.said
			e, created, err := event.NewService(store, menu{}, nil).Put(t.Context(), test.caller, 1, d, always)
			require.NoError(t, err)
			assert.False(t, created)
			assert.Equal(t, event.Event{
				ID: 1, Title: *d.Title, Place: *d.Place, StartsAt: e.StartsAt, Host: test.host, CreatedAt: born, Version: 3,
			}, e)
			assert.Equal(t, test.admitted, store.admitted)
		})
	}
	t.Run("a change leaves what is unsaid, and null takes away what can be without", func(t *testing.T) {
		t.Parallel()
		s := event.NewService(&diary{events: map[int64]event.Event{1: old}}, menu{}, nil)
		e, err := s.Change(t.Context(), person, 1, event.Draft{
			Description: event.Nullable[string]{Said: true}, Pizza: event.Nullable[int64]{Said: true},
		}, always)
		require.NoError(t, err)
		want := old
		want.Description, want.Pizza = "", nil
		assert.Equal(t, want, e)
	})
}

func TestConditions(t *testing.T) {
	t.Parallel()
	seen, other := version.Condition{Match: []int64{3}}, version.Condition{Match: []int64{7}}
	verbs := map[string]func(context.Context, *event.Service, identity.Caller, int64, version.Condition) error{
		"put": func(ctx context.Context, s *event.Service, c identity.Caller, id int64, demand version.Condition) error {
			_, _, err := s.Put(ctx, c, id, draft(), demand)
			return err
		},
		"patch": func(ctx context.Context, s *event.Service, c identity.Caller, id int64, demand version.Condition) error {
			_, err := s.Change(ctx, c, id, draft(), demand)
			return err
		},
		"remove": func(ctx context.Context, s *event.Service, c identity.Caller, id int64, demand version.Condition) error {
			return s.Remove(ctx, c, id, demand)
		},
	}
	given := func() (*event.Service, *diary) {
		store := &diary{events: map[int64]event.Event{1: {ID: 1, Title: "Dinner", Host: &ada, Version: 3}}}
		return event.NewService(store, menu{}, nil), store
	}
	for verb, do := range verbs {
		t.Run(verb+" asks for the version that was seen, once it is known who asks", func(t *testing.T) {
			t.Parallel()
			s, store := given()
			for _, demand := range []version.Condition{other, {Absent: true}, {NoneMatch: []int64{3}}} {
				err := do(t.Context(), s, person, 1, demand)
				require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
			}
			assert.Equal(t, "Dinner", store.events[1].Title)
			err := do(t.Context(), s, identity.Caller{User: bob}, 1, other)
			require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
			require.NoError(t, do(t.Context(), s, person, 1, seen))
		})
	}
	t.Run("put where nothing is goes on only if nothing is wanted there", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		for _, demand := range []version.Condition{seen, {Exist: true}} {
			_, _, err := s.Put(t.Context(), person, 2, draft(), demand)
			require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
		}
		_, created, err := s.Put(t.Context(), person, 9, draft(), version.Condition{Absent: true})
		require.NoError(t, err)
		assert.True(t, created)
		assert.Contains(t, store.events, int64(9))
	})
	t.Run("nothing can be changed where nothing is, whatever is wanted", func(t *testing.T) {
		t.Parallel()
		s, _ := given()
		for _, demand := range []version.Condition{always, seen, {Exist: true}, {Absent: true}} {
			err := verbs["patch"](t.Context(), s, service, 404, demand)
			require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		}
	})
	t.Run("who is late learns that without the pizza service", func(t *testing.T) {
		t.Parallel()
		_, store := given()
		_, err := event.NewService(store, closed{}, nil).Change(t.Context(), person, 1, event.Draft{Pizza: about(7)}, other)
		require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
	})
	t.Run("an answer's condition is passed on", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, _, err := s.Attend(t.Context(), person, 1, ada, event.Going, seen)
		require.NoError(t, err)
		assert.Equal(t, seen, store.demanded)
		require.NoError(t, s.Unattend(t.Context(), person, 1, ada, other))
		assert.Equal(t, other, store.demanded)
	})
}
