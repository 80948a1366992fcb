package pizza_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
)

// shelf is a store in memory. It remembers whom it was asked to admit.
type shelf struct {
	pizzas   map[int64]pizza.Pizza
	versions int64
	admitted *uuid.UUID
}

func holding(pizzas ...pizza.Pizza) *shelf {
	s := &shelf{pizzas: map[int64]pizza.Pizza{}}
	for _, p := range pizzas {
		s.keep(p)
	}
	return s
}

func (s *shelf) keep(p pizza.Pizza) pizza.Pizza {
	s.versions++
	p.Version = s.versions
	s.pizzas[p.ID] = p
	return p
}

func (s *shelf) Add(_ context.Context, p pizza.Pizza) (pizza.Pizza, error) {
	p.ID = int64(len(s.pizzas) + 1)
	return s.keep(p), nil
}

func (s *shelf) Put(_ context.Context, id int64, creator *uuid.UUID, edit func(*pizza.Pizza) (pizza.Pizza, error)) (pizza.Pizza, bool, error) {
	s.admitted = creator
	var before *pizza.Pizza
	if old, exists := s.pizzas[id]; exists {
		before = &old
	}
	p, err := edit(before)
	if err != nil {
		return pizza.Pizza{}, false, err
	}
	return s.keep(p), before == nil, nil
}

func (s *shelf) Get(_ context.Context, id int64) (pizza.Pizza, error) {
	p, exists := s.pizzas[id]
	if !exists {
		return pizza.Pizza{}, fault.NotFound()
	}
	return p, nil
}

func (s *shelf) Version(ctx context.Context, id int64) (int64, error) {
	p, err := s.Get(ctx, id)
	return p.Version, err
}

func (s *shelf) List(context.Context, pizza.Filter, page.Window) (page.Result[pizza.Pizza], error) {
	return page.Result[pizza.Pizza]{}, nil
}

func (s *shelf) Remove(ctx context.Context, id int64, permit func(pizza.Pizza) error) error {
	p, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := permit(p); err != nil {
		return err
	}
	delete(s.pizzas, id)
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

	always = version.Condition{}
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
			s := pizza.NewService(holding())
			created, err := s.Create(t.Context(), test.caller, draft(test.said))
			if test.fails != 0 {
				require.True(t, fault.Is(err, test.fails), "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, created.Creator)

			put, isNew, err := s.Put(t.Context(), test.caller, 9, draft(test.said), always)
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
				store := holding(pizza.Pizza{ID: hers, Creator: &ada}, pizza.Pizza{ID: his, Creator: &bob}, pizza.Pizza{ID: house})
				s := pizza.NewService(store)
				_, patch := s.Change(t.Context(), test.caller, id, pizza.Draft{Title: new("New")}, always)
				_, _, put := s.Put(t.Context(), test.caller, id, draft(nothing), always)
				remove := s.Remove(t.Context(), test.caller, id, always)
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
	given := func() (*pizza.Service, *shelf) {
		store := holding(pizza.Pizza{ID: 1, Title: "Funghi", Description: "with mushrooms", ImageURL: "https://pizza.test/1.png", Creator: &ada})
		return pizza.NewService(store), store
	}
	t.Run("what is left unsaid stays", func(t *testing.T) {
		t.Parallel()
		s, _ := given()
		p, err := s.Change(t.Context(), person, 1, pizza.Draft{Title: new("Salami")}, always)
		require.NoError(t, err)
		want := pizza.Pizza{
			ID: 1, Title: "Salami", Description: "with mushrooms", ImageURL: "https://pizza.test/1.png", Creator: &ada, Version: p.Version,
		}
		assert.Equal(t, want, p)
	})
	t.Run("null takes a text away", func(t *testing.T) {
		t.Parallel()
		s, _ := given()
		none := pizza.Nullable[string]{Said: true}
		p, err := s.Change(t.Context(), person, 1, pizza.Draft{Description: none, ImageURL: none}, always)
		require.NoError(t, err)
		assert.Equal(t, pizza.Pizza{ID: 1, Title: "Funghi", Creator: &ada, Version: p.Version}, p)
	})
	t.Run("null from staff gives it to the house, from its creator changes nothing", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), person, 1, pizza.Draft{Creator: null}, always)
		require.NoError(t, err)
		assert.Equal(t, &ada, store.pizzas[1].Creator)
		_, err = s.Change(t.Context(), service, 1, pizza.Draft{Creator: null}, always)
		require.NoError(t, err)
		assert.Nil(t, store.pizzas[1].Creator)
	})
	t.Run("a person gives a pizza to nobody else", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), person, 1, pizza.Draft{Creator: another}, always)
		require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		assert.Equal(t, &ada, store.pizzas[1].Creator)
	})
	t.Run("where nothing is, nothing is found", func(t *testing.T) {
		t.Parallel()
		s, store := given()
		_, err := s.Change(t.Context(), service, 404, pizza.Draft{}, version.Condition{Exist: true})
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		assert.Len(t, store.pizzas, 1)
	})
}

func TestReplace(t *testing.T) {
	t.Parallel()
	born := time.Now()
	old := pizza.Pizza{ID: 1, Title: "Funghi", Description: "with mushrooms", ImageURL: "https://pizza.test/1.png", Creator: &ada, CreatedAt: born}
	for _, test := range []struct {
		name     string
		caller   identity.Caller
		said     pizza.Nullable[uuid.UUID]
		creator  *uuid.UUID
		admitted *uuid.UUID
	}{
		{"a creator who says nothing stays it", person, nothing, &ada, &ada},
		{"a creator whom staff leave unsaid stays it", identity.Caller{User: bob, Staff: true}, nothing, &ada, &bob},
		{"a creator whom a service leaves unsaid stays it", service, nothing, &ada, nil},
		{"a service gives it to the house", service, null, nil, nil},
		{"a service gives it to somebody else", service, another, &bob, &bob},
	} {
		t.Run(test.name+", and the rest is new", func(t *testing.T) {
			t.Parallel()
			store := holding(old)
			p, created, err := pizza.NewService(store).Put(t.Context(), test.caller, 1, pizza.Draft{Title: new("Salami"), Creator: test.said}, always)
			require.NoError(t, err)
			assert.False(t, created)
			assert.Equal(t, pizza.Pizza{ID: 1, Title: "Salami", Creator: test.creator, CreatedAt: born, Version: 2}, p)
			assert.Equal(t, test.admitted, store.admitted)
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	seen, other := version.Condition{Match: []int64{1}}, version.Condition{Match: []int64{7}}
	verbs := map[string]func(context.Context, *pizza.Service, identity.Caller, int64, version.Condition) error{
		"put": func(ctx context.Context, s *pizza.Service, c identity.Caller, id int64, demand version.Condition) error {
			_, _, err := s.Put(ctx, c, id, draft(nothing), demand)
			return err
		},
		"patch": func(ctx context.Context, s *pizza.Service, c identity.Caller, id int64, demand version.Condition) error {
			_, err := s.Change(ctx, c, id, draft(nothing), demand)
			return err
		},
		"remove": func(ctx context.Context, s *pizza.Service, c identity.Caller, id int64, demand version.Condition) error {
			return s.Remove(ctx, c, id, demand)
		},
	}
	for verb, do := range verbs {
		given := func() (*pizza.Service, *shelf) {
			store := holding(pizza.Pizza{ID: 1, Title: "Marinara", Creator: &ada})
			return pizza.NewService(store), store
		}
		t.Run(verb+" of the version that was seen goes on", func(t *testing.T) {
			t.Parallel()
			s, store := given()
			require.NoError(t, do(t.Context(), s, person, 1, seen))
			assert.NotEqual(t, "Marinara", store.pizzas[1].Title)
		})
		t.Run(verb+" of another one, or of none, changes nothing", func(t *testing.T) {
			t.Parallel()
			s, store := given()
			for _, demand := range []version.Condition{other, {Absent: true}, {NoneMatch: []int64{1}}} {
				err := do(t.Context(), s, person, 1, demand)
				require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
			}
			assert.Equal(t, "Marinara", store.pizzas[1].Title)
		})
		t.Run("who may not "+verb+" learns nothing of versions", func(t *testing.T) {
			t.Parallel()
			s, _ := given()
			err := do(t.Context(), s, identity.Caller{User: bob}, 1, other)
			require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		})
	}
	t.Run("put where nothing is goes on only if nothing is wanted there", func(t *testing.T) {
		t.Parallel()
		store := holding()
		s := pizza.NewService(store)
		for _, demand := range []version.Condition{seen, {Exist: true}} {
			_, _, err := s.Put(t.Context(), person, 1, draft(nothing), demand)
			require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
		}
		assert.Empty(t, store.pizzas)
		_, created, err := s.Put(t.Context(), person, 1, draft(nothing), version.Condition{Absent: true})
		require.NoError(t, err)
		assert.True(t, created)
	})
}
