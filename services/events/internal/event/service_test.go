package event_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ada, bob = uuid.New(), uuid.New()
	anyone   = identity.Caller{}
	person   = identity.Caller{User: ada}
	staff    = identity.Caller{User: ada, Staff: true}
	service  = identity.Caller{Client: "operator"}

	always  = version.Condition{}
	errDown = fault.Unavailable("The pizza service is not available right now.", nil)
)

func somebody(user uuid.UUID) event.Nullable[uuid.UUID] {
	return event.Nullable[uuid.UUID]{Said: true, Value: &user}
}

func about(pizza int64) event.Nullable[int64] {
	return event.Nullable[int64]{Said: true, Value: &pizza}
}

func draft() event.Draft {
	return event.Draft{Title: new("Pizza in the park"), Place: new("the park"), StartsAt: new(time.Now())}
}

func TestWhoseAnEventIs(t *testing.T) {
	t.Parallel()
	nothing, null := event.Nullable[uuid.UUID]{}, event.Nullable[uuid.UUID]{Said: true}
	for _, test := range []struct {
		name   string
		caller identity.Caller
		said   event.Nullable[uuid.UUID]
		want   *uuid.UUID
		fails  fault.Kind
	}{
		{name: "a person who says nothing hosts", caller: person, said: nothing, want: &ada},
		{name: "a person who says null hosts", caller: person, said: null, want: &ada},
		{name: "a person may name themselves", caller: person, said: somebody(ada), want: &ada},
		{name: "a person may name nobody else", caller: person, said: somebody(bob), fails: fault.Forbidden},
		{name: "staff who say nothing host", caller: staff, said: nothing, want: &ada},
		{name: "staff may speak for the house", caller: staff, said: null},
		{name: "staff may name anybody", caller: staff, said: somebody(bob), want: &bob},
		{name: "a service that says nothing speaks for the house", caller: service, said: nothing},
		{name: "a service may name anybody", caller: service, said: somebody(bob), want: &bob},
		{name: "somebody unknown creates nothing", caller: anyone, said: nothing, fails: fault.Unauthenticated},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := draft()
			d.Host = test.said
			e, err := event.NewService(&diary{events: map[int64]event.Event{}}, menu{}, nil).Create(t.Context(), test.caller, d)
			if test.fails != 0 {
				require.True(t, fault.Is(err, test.fails), "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, e.Host)
		})
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	const hers, his, house = 1, 2, 3
	verbs := map[string]func(context.Context, *event.Service, identity.Caller, int64) error{
		"change": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, err := s.Change(ctx, c, id, event.Draft{Title: new("x")}, always)
			return err
		},
		"replace": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, _, err := s.Put(ctx, c, id, draft(), always)
			return err
		},
		"remove": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			return s.Remove(ctx, c, id, always)
		},
		"read bob's answer": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, err := s.Attendance(ctx, c, id, bob)
			return err
		},
		"read the version of bob's answer": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, err := s.AttendanceVersion(ctx, c, id, bob)
			return err
		},
		"read ada's answer": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, err := s.Attendance(ctx, c, id, ada)
			return err
		},
		"answer for bob": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, _, err := s.Attend(ctx, c, id, bob, event.Going, always)
			return err
		},
		"take back bob's answer": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			return s.Unattend(ctx, c, id, bob, always)
		},
		"answer for ada": func(ctx context.Context, s *event.Service, c identity.Caller, id int64) error {
			_, _, err := s.Attend(ctx, c, id, ada, event.Going, always)
			return err
		},
	}
	all := []int64{hers, his, house}
	allowed := map[string]map[string][]int64{
		"anyone": {},
		"a person": {
			"change": {hers}, "replace": {hers}, "remove": {hers},
			"read bob's answer": {hers}, "read the version of bob's answer": {hers}, "read ada's answer": all, "answer for ada": all,
		},
		"staff": nil, "a service": nil, // everything
	}
	callers := map[string]identity.Caller{"anyone": anyone, "a person": person, "staff": staff, "a service": service}
	for who, caller := range callers {
		for verb, do := range verbs {
			for _, id := range all {
				want := allowed[who] == nil || slices.Contains(allowed[who][verb], id)
				t.Run(fmt.Sprintf("%s may %s at event %d: %t", who, verb, id, want), func(t *testing.T) {
					t.Parallel()
					store := &diary{events: map[int64]event.Event{hers: {ID: hers, Host: &ada}, his: {ID: his, Host: &bob}, house: {ID: house}}}
					err := do(t.Context(), event.NewService(store, menu{}, nil), caller, id)
					assert.Equal(t, want, err == nil, "%v", err)
				})
			}
		}
	}
}

func TestWhoSeesWhoComes(t *testing.T) {
	t.Parallel()
	store := &diary{events: map[int64]event.Event{1: {ID: 1, Host: &bob}}}
	s := event.NewService(store, menu{}, nil)
	for _, test := range []struct {
		name   string
		caller identity.Caller
		whose  *uuid.UUID
	}{
		{"the host sees all", identity.Caller{User: bob}, nil},
		{"staff see all", staff, nil},
		{"a service sees all", service, nil},
		{"a person sees their own", person, &ada},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Attendances(t.Context(), test.caller, 1, page.Window{Limit: 5})
			require.NoError(t, err)
			assert.Equal(t, test.whose, store.asked)
		})
	}
	t.Run("somebody unknown sees nothing", func(t *testing.T) {
		_, err := s.Attendances(t.Context(), anyone, 1, page.Window{Limit: 5})
		require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
	})
}

func TestPizzaOfAnEvent(t *testing.T) {
	t.Parallel()
	given := func(pizzas event.Pizzas) *event.Service {
		return event.NewService(&diary{events: map[int64]event.Event{1: {ID: 1, Host: &ada}, 2: {ID: 2, Host: &bob}}}, pizzas, nil)
	}
	ways := map[string]func(context.Context, *event.Service, event.Nullable[int64]) error{
		"create": func(ctx context.Context, s *event.Service, pizza event.Nullable[int64]) error {
			d := draft()
			d.Pizza = pizza
			_, err := s.Create(ctx, person, d)
			return err
		},
		"put": func(ctx context.Context, s *event.Service, pizza event.Nullable[int64]) error {
			d := draft()
			d.Pizza = pizza
			_, _, err := s.Put(ctx, person, 1, d, always)
			return err
		},
		"change": func(ctx context.Context, s *event.Service, pizza event.Nullable[int64]) error {
			_, err := s.Change(ctx, person, 1, event.Draft{Pizza: pizza}, always)
			return err
		},
	}
	for way, do := range ways {
		t.Run("a pizza that exists is taken by "+way, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, do(t.Context(), given(menu{7: "Funghi"}), about(7)))
		})
		t.Run("a pizza that does not exist is refused by "+way, func(t *testing.T) {
			t.Parallel()
			err := do(t.Context(), given(menu{}), about(7))
			require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
			assert.Equal(t, "pizza", fault.From(err).Fields[0].Field)
		})
		t.Run("nobody is asked about no pizza by "+way, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, do(t.Context(), given(closed{}), event.Nullable[int64]{Said: true}))
			require.NoError(t, do(t.Context(), given(closed{}), event.Nullable[int64]{}))
		})
		t.Run("the pizza service's fault is passed on by "+way, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, do(t.Context(), given(closed{}), about(7)), errDown)
		})
	}
	t.Run("who may not change an event learns that, whatever the pizza", func(t *testing.T) {
		t.Parallel()
		_, err := given(closed{}).Change(t.Context(), person, 2, event.Draft{Pizza: about(7)}, always)
		require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		_, err = given(closed{}).Change(t.Context(), person, 404, event.Draft{Pizza: about(7)}, always)
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	})
	t.Run("every missing field is named", func(t *testing.T) {
		t.Parallel()
		_, err := given(menu{}).Create(t.Context(), person, event.Draft{})
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
		assert.Len(t, fault.From(err).Fields, 3)
	})
}
