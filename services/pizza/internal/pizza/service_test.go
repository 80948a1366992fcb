package pizza_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
)

// shelf is a store in memory.
type shelf map[int64]pizza.Pizza

func (s shelf) Add(_ context.Context, p pizza.Pizza) (pizza.Pizza, error) {
	p.ID = int64(len(s) + 1)
	s[p.ID] = p
	return p, nil
}

func (s shelf) Put(_ context.Context, p pizza.Pizza, permit func(pizza.Pizza) error) (pizza.Pizza, bool, error) {
	old, exists := s[p.ID]
	if exists {
		if err := permit(old); err != nil {
			return pizza.Pizza{}, false, err
		}
	}
	s[p.ID] = p
	return p, !exists, nil
}

func (s shelf) Change(_ context.Context, id int64, draft pizza.Draft, permit func(pizza.Pizza) error) (pizza.Pizza, error) {
	p, exists := s[id]
	if !exists {
		return pizza.Pizza{}, fault.NotFound()
	}
	if err := permit(p); err != nil {
		return pizza.Pizza{}, err
	}
	draft.Apply(&p)
	s[id] = p
	return p, nil
}

func (s shelf) Get(_ context.Context, id int64) (pizza.Pizza, error) {
	p, exists := s[id]
	if !exists {
		return pizza.Pizza{}, fault.NotFound()
	}
	return p, nil
}

func (s shelf) List(context.Context, pizza.Filter, int, int) ([]pizza.Pizza, int64, error) {
	return nil, 0, nil
}

func (s shelf) Remove(_ context.Context, id int64, permit func(pizza.Pizza) error) error {
	p, exists := s[id]
	if !exists {
		return fault.NotFound()
	}
	if err := permit(p); err != nil {
		return err
	}
	delete(s, id)
	return nil
}

var (
	ada, bob = uuid.New(), uuid.New()
	anyone   = identity.Caller{}
	person   = identity.Caller{User: ada}
	staff    = identity.Caller{User: ada, Staff: true}
	service  = identity.Caller{Client: "operator"}

	nothing = pizza.Nullable[uuid.UUID]{}
	null    = pizza.Nullable[uuid.UUID]{Said: true}
	herself = pizza.Nullable[uuid.UUID]{Said: true, Value: &ada}
	another = pizza.Nullable[uuid.UUID]{Said: true, Value: &bob}
)

func draft(creator pizza.Nullable[uuid.UUID]) pizza.Draft {
	return pizza.Draft{Title: new("Funghi"), Creator: creator}
}

func TestWhoseAPizzaIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		caller identity.Caller
		said   pizza.Nullable[uuid.UUID]
		want   *uuid.UUID
		fails  fault.Kind
	}{
		{name: "a person who says nothing uploads their own", caller: person, said: nothing, want: &ada},
		{name: "a person who says null uploads their own", caller: person, said: null, want: &ada},
		{name: "a person may name themselves", caller: person, said: herself, want: &ada},
		{name: "a person may name nobody else", caller: person, said: another, fails: fault.Forbidden},
		{name: "staff who say nothing upload their own", caller: staff, said: nothing, want: &ada},
		{name: "staff may speak for the house", caller: staff, said: null},
		{name: "staff may name anybody", caller: staff, said: another, want: &bob},
		{name: "a service that says nothing speaks for the house", caller: service, said: nothing},
		{name: "a service may speak for the house", caller: service, said: null},
		{name: "a service may name anybody", caller: service, said: another, want: &bob},
		{name: "somebody unknown uploads nothing", caller: anyone, said: nothing, fails: fault.Unauthenticated},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := pizza.NewService(shelf{})
			created, err := s.Create(t.Context(), test.caller, draft(test.said))
			if test.fails != 0 {
				require.True(t, fault.Is(err, test.fails), "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, created.Creator)

			put, isNew, err := s.Put(t.Context(), test.caller, 9, draft(test.said))
			require.NoError(t, err)
			assert.True(t, isNew)
			assert.Equal(t, test.want, put.Creator)
		})
	}
}

func TestWhoChangesAPizza(t *testing.T) {
	t.Parallel()
	const hers, his, house = 1, 2, 3
	for _, test := range []struct {
		name    string
		caller  identity.Caller
		allowed []int64
	}{
		{"nobody unknown", anyone, nil},
		{"a person their own", person, []int64{hers}},
		{"staff all", staff, []int64{hers, his, house}},
		{"services all", service, []int64{hers, his, house}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for id := range int64(3) {
				id++
				store := shelf{hers: {ID: hers, Creator: &ada}, his: {ID: his, Creator: &bob}, house: {ID: house}}
				s := pizza.NewService(store)
				_, patch := s.Change(t.Context(), test.caller, id, pizza.Draft{Title: new("New")})
				_, _, put := s.Put(t.Context(), test.caller, id, draft(nothing))
				remove := s.Remove(t.Context(), test.caller, id)
				for verb, err := range map[string]error{"patch": patch, "put": put, "remove": remove} {
					if slices.Contains(test.allowed, id) {
						require.NoError(t, err, "%s %d", verb, id)
					} else {
						require.Error(t, err, "%s %d", verb, id)
					}
				}
			}
		})
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	given := func() (*pizza.Service, shelf) {
		store := shelf{1: {ID: 1, Title: "Funghi", Description: "with mushrooms", Creator: &ada}}
		return pizza.NewService(store), store
	}
	t.Run("what is left unsaid stays", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), person, 1, pizza.Draft{Title: new("Salami")})
		require.NoError(t, err)
		assert.Equal(t, pizza.Pizza{ID: 1, Title: "Salami", Description: "with mushrooms", Creator: &ada}, store[1])
	})
	t.Run("null from staff gives it to the house, from its creator changes nothing", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), person, 1, pizza.Draft{Creator: null})
		require.NoError(t, err)
		assert.Equal(t, &ada, store[1].Creator)
		_, err = s.Change(t.Context(), service, 1, pizza.Draft{Creator: null})
		require.NoError(t, err)
		assert.Nil(t, store[1].Creator)
	})
	t.Run("a person gives a pizza to nobody else", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), person, 1, pizza.Draft{Creator: another})
		require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		assert.Equal(t, &ada, store[1].Creator)
	})
}
