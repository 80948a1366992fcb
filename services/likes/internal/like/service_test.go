package like_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
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

func anns() like.Like { return like.Like{ID: 7, User: ann, Pizza: 1, Version: 3} }

// Conditions that hold for Ann's like, and that do not.
var (
	always = version.Condition{}
	seen   = version.Condition{Match: []int64{3}}
	stale  = version.Condition{Match: []int64{2}}
)

func (m *memory) Add(_ context.Context, l like.Like) (like.Like, error) { m.saved = l; return l, nil }

func (m *memory) Put(_ context.Context, id int64, _ *uuid.UUID, edit func(*like.Like) (like.Like, error)) (like.Like, bool, error) {
	var old *like.Like
	if id == anns().ID {
		old = new(anns())
	}
	l, err := edit(old)
	if err != nil {
		return like.Like{}, false, err
	}
	m.saved = l
	return l, old == nil, nil
}

func (m *memory) Get(context.Context, int64) (like.Like, error) { return anns(), nil }

func (m *memory) Head(_ context.Context, id int64) (like.Like, error) {
	if id != anns().ID {
		return like.Like{}, fault.NotFound()
	}
	return anns(), nil
}

func (m *memory) List(_ context.Context, f like.Filter, _ page.Window) (page.Result[like.Like], error) {
	m.filter = f
	return page.Result[like.Like]{}, nil
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
	_, _, put := likes.Put(t.Context(), annCall, 8, draft(nil, missing), always)
	_, changed := likes.Change(t.Context(), annCall, 7, like.Draft{Pizza: &missing}, always)
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
			_, asked := likes.Version(t.Context(), test.caller, 7)
			_, changed := likes.Change(t.Context(), test.caller, 7, draft(nil, 2), seen)
			_, _, put := likes.Put(t.Context(), test.caller, 7, draft(&test.user, 2), seen)
			removed := likes.Remove(t.Context(), test.caller, 7, seen)
			for _, err := range []error{read, asked, changed, put, removed} {
				assert.Equal(t, test.allowed, err == nil)
				assert.Equal(t, !test.allowed, fault.Is(err, fault.Forbidden))
			}
		})
	}
}

func TestAPersonCannotGiveALikeAway(t *testing.T) {
	_, err := like.NewService(&memory{}, menu{}).Change(t.Context(), annCall, 7, like.Draft{User: &bob}, always)
	require.True(t, fault.Is(err, fault.Forbidden))
}

func TestAPersonListsOnlyTheirOwn(t *testing.T) {
	store := &memory{}
	likes := like.NewService(store, menu{})

	_, err := likes.List(t.Context(), annCall, like.Filter{}, page.Window{})
	require.NoError(t, err)
	assert.Equal(t, &ann, store.filter.User)

	_, err = likes.List(t.Context(), annCall, like.Filter{User: &bob}, page.Window{})
	assert.True(t, fault.Is(err, fault.Forbidden))

	_, err = likes.List(t.Context(), machine, like.Filter{}, page.Window{})
	require.NoError(t, err)
	assert.Nil(t, store.filter.User)
}

func TestAConditionIsAskedAfterTheRights(t *testing.T) {
	for name, test := range map[string]struct {
		caller identity.Caller
		kind   fault.Kind
	}{
		"its person learns that it has changed":     {annCall, fault.PreconditionFailed},
		"a stranger learns that it is not for them": {identity.Caller{User: bob}, fault.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			likes := like.NewService(store, menu{})
			_, changed := likes.Change(t.Context(), test.caller, 7, draft(nil, 2), stale)
			_, _, put := likes.Put(t.Context(), test.caller, 7, draft(nil, 2), stale)
			_, _, create := likes.Put(t.Context(), test.caller, 7, draft(nil, 2), version.Condition{Absent: true})
			removed := likes.Remove(t.Context(), test.caller, 7, stale)
			for _, err := range []error{changed, put, create, removed} {
				assert.True(t, fault.Is(err, test.kind), "%v", err)
			}
			assert.Zero(t, store.saved)
		})
	}
}

func TestWhereNothingIs(t *testing.T) {
	likes := like.NewService(&memory{}, menu{})
	_, err := likes.Change(t.Context(), annCall, 8, draft(nil, 2), stale)
	assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	_, _, err = likes.Put(t.Context(), annCall, 8, draft(nil, 2), stale)
	assert.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
	_, created, err := likes.Put(t.Context(), annCall, 8, draft(nil, 2), version.Condition{Absent: true})
	require.NoError(t, err)
	assert.True(t, created)
}

func TestWhoseALikeIsStaysUnlessItIsSaid(t *testing.T) {
	store := &memory{}
	likes := like.NewService(store, menu{})
	for _, caller := range []identity.Caller{staff, machine} {
		_, _, err := likes.Put(t.Context(), caller, 7, draft(nil, 2), always)
		require.NoError(t, err)
		assert.Equal(t, ann, store.saved.User)
		assert.EqualValues(t, 2, store.saved.Pizza)
	}
	_, _, err := likes.Put(t.Context(), staff, 7, draft(&bob, 2), always)
	require.NoError(t, err)
	assert.Equal(t, bob, store.saved.User)

	_, _, err = likes.Put(t.Context(), machine, 8, draft(nil, 2), always)
	require.True(t, fault.Is(err, fault.KindInvalid), "a service that creates one has to say whose: %v", err)
	assert.Equal(t, "user", fault.From(err).Fields[0].Field)
}
