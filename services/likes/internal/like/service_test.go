package like_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/services/likes/internal/like"
)

var (
	ann     = uuid.MustParse("a0000000-0000-4000-8000-000000000000")
	bob     = uuid.MustParse("b0000000-0000-4000-8000-000000000000")
	annCall = identity.Caller{User: ann}
	staff   = identity.Caller{User: bob, Staff: true}
	machine = identity.Caller{Client: "operator"}
)

// memory is a store that keeps one like, Ann's of pizza 1, under id 7.
type memory struct {
	like.Store
	saved  like.Like
	filter like.Filter
}

func anns() like.Like { return like.Like{ID: 7, User: ann, Pizza: 1} }

func (m *memory) Add(_ context.Context, l like.Like) (like.Like, error) { m.saved = l; return l, nil }

func (m *memory) Put(_ context.Context, l like.Like, permit func(like.Like) error) (like.Like, bool, error) {
	if l.ID != anns().ID {
		m.saved = l
		return l, true, nil
	}
	if err := permit(anns()); err != nil {
		return like.Like{}, false, err
	}
	m.saved = l
	return l, false, nil
}

func (m *memory) Change(_ context.Context, _ int64, change func(*like.Like) error) (like.Like, error) {
	l := anns()
	if err := change(&l); err != nil {
		return like.Like{}, err
	}
	m.saved = l
	return l, nil
}

func (m *memory) Get(context.Context, int64) (like.Like, error) { return anns(), nil }

func (m *memory) List(_ context.Context, f like.Filter, _, _ int) ([]like.Like, int64, error) {
	m.filter = f
	return nil, 0, nil
}

func (m *memory) Remove(_ context.Context, _ int64, permit func(like.Like) error) error {
	return permit(anns())
}

// menu has pizzas 1 and 2, unless it is down.
type menu struct{ down error }

func (m menu) Exists(_ context.Context, id int64) (bool, error) { return id <= 2, m.down }

func (m menu) Find(context.Context, []int64) (map[int64]like.Pizza, error) { return nil, m.down }

func draft(user *uuid.UUID, pizza int64) like.Draft { return like.Draft{User: user, Pizza: &pizza} }

func TestWhoMayLikeForWhom(t *testing.T) {
	for name, test := range map[string]struct {
		caller identity.Caller
		user   *uuid.UUID
		want   uuid.UUID
		kind   fault.Kind
	}{
		"a person likes for themselves without saying so": {caller: annCall, want: ann},
		"a person likes for themselves and says so":       {caller: annCall, user: &ann, want: ann},
		"a person likes for nobody else":                  {caller: annCall, user: &bob, kind: fault.Forbidden},
		"staff likes for others":                          {caller: staff, user: &ann, want: ann},
		"a service likes for anyone":                      {caller: machine, user: &ann, want: ann},
		"a service has to say for whom":                   {caller: machine, kind: fault.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			_, err := like.NewService(store, menu{}).Create(t.Context(), test.caller, draft(test.user, 1))
			if test.want == uuid.Nil {
				require.True(t, fault.Is(err, test.kind), "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, store.saved.User)
		})
	}
}

func TestALikeOfAPizzaThatDoesNotExistNamesTheField(t *testing.T) {
	likes := like.NewService(&memory{}, menu{})
	missing := int64(99)
	_, created := likes.Create(t.Context(), annCall, draft(nil, missing))
	_, _, put := likes.Put(t.Context(), annCall, 8, draft(nil, missing))
	_, changed := likes.Change(t.Context(), annCall, 7, like.Draft{Pizza: &missing})
	for _, err := range []error{created, put, changed} {
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
		assert.Equal(t, "pizza", fault.From(err).Fields[0].Field)
	}
}

func TestWithoutThePizzaServiceNothingIsLiked(t *testing.T) {
	store := &memory{}
	_, err := like.NewService(store, menu{down: fault.Unavailable("down", nil)}).Create(t.Context(), annCall, draft(nil, 1))
	require.True(t, fault.Is(err, fault.KindUnavailable))
	assert.Zero(t, store.saved)
}

func TestALikeIsItsPersonsAndStaffs(t *testing.T) {
	for name, test := range map[string]struct {
		caller  identity.Caller
		user    uuid.UUID
		allowed bool
	}{
		"its person": {annCall, ann, true},
		"staff":      {staff, ann, true},
		"a service":  {machine, ann, true},
		"a stranger": {identity.Caller{User: bob}, bob, false},
	} {
		t.Run(name, func(t *testing.T) {
			likes := like.NewService(&memory{}, menu{})
			_, read := likes.Get(t.Context(), test.caller, 7)
			_, changed := likes.Change(t.Context(), test.caller, 7, draft(nil, 2))
			_, _, put := likes.Put(t.Context(), test.caller, 7, draft(&test.user, 2))
			removed := likes.Remove(t.Context(), test.caller, 7)
			for _, err := range []error{read, changed, put, removed} {
				assert.Equal(t, test.allowed, err == nil)
				assert.Equal(t, !test.allowed, fault.Is(err, fault.Forbidden))
			}
		})
	}
}

func TestAPersonCannotGiveALikeAway(t *testing.T) {
	_, err := like.NewService(&memory{}, menu{}).Change(t.Context(), annCall, 7, like.Draft{User: &bob})
	require.True(t, fault.Is(err, fault.Forbidden))
}

func TestAPersonListsOnlyTheirOwn(t *testing.T) {
	store := &memory{}
	likes := like.NewService(store, menu{})

	_, _, err := likes.List(t.Context(), annCall, like.Filter{}, 5, 0)
	require.NoError(t, err)
	assert.Equal(t, &ann, store.filter.User)

	_, _, err = likes.List(t.Context(), annCall, like.Filter{User: &bob}, 5, 0)
	assert.True(t, fault.Is(err, fault.Forbidden))

	_, _, err = likes.List(t.Context(), machine, like.Filter{}, 5, 0)
	require.NoError(t, err)
	assert.Nil(t, store.filter.User)
}
