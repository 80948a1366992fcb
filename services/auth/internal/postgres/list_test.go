package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func window(limit int) page.Window { return page.Window{Limit: limit} }

// behind is what follows a page, ahead what comes before it.
func behind[T any](limit int, p page.Result[T]) page.Window {
	return page.Window{Limit: limit, Cursor: &page.Cursor{Key: p.Last}}
}

func ahead[T any](limit int, p page.Result[T]) page.Window {
	return page.Window{Limit: limit, Cursor: &page.Cursor{Key: p.First, Back: true}}
}

func (w *world) list(window page.Window) page.Result[user.User] {
	w.Helper()
	users, err := w.users.List(w.ctx(), window)
	require.NoError(w, err)
	return users
}

func (w *world) erasures(window page.Window) page.Result[erasure.Erasure] {
	w.Helper()
	erasures, err := w.ledger.List(w.ctx(), window)
	require.NoError(w, err)
	return erasures
}

func names(p page.Result[user.User]) []string {
	var names []string
	for _, u := range p.Items {
		names = append(names, u.Username)
	}
	return names
}

func TestUsersAreListedInTheOrderInWhichTheyCame(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	for _, name := range []string{"eve", "bob", "zoe"} {
		w.person(name)
	}
	_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
		u.Email = "new@example.org" // so that her row is the youngest
		return user.Edit{User: u}, nil
	})
	require.NoError(t, err)

	all := w.list(window(4))

	assert.Equal(t, []string{"ada", "eve", "bob", "zoe"}, names(all))
	assert.EqualValues(t, 4, all.Count)
	assert.False(t, all.Before)
	assert.False(t, all.After)
	found, err := w.users.Get(w.ctx(), ada.ID)
	require.NoError(t, err)
	assert.Equal(t, found, all.Items[0], "a user is the same in a list")
	assert.Equal(t, []string{"bob", "zoe"}, names(w.list(page.Window{Limit: 2, Offset: 2})))
	assert.Empty(t, w.list(page.Window{Limit: 2, Offset: 4}).Items)
	assert.EqualValues(t, 4, w.list(window(0)).Count)
}

func TestUsersAreWalkedBothWaysWhilePeopleComeAndGo(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	for _, name := range []string{"bob", "eve", "zoe"} {
		w.person(name)
	}

	first := w.list(window(2))
	w.erasure(ada.ID)
	second := w.list(behind(2, first))
	w.person("kim")

	assert.Equal(t, []string{"ada", "bob"}, names(first))
	assert.Equal(t, []string{"eve", "zoe"}, names(second), "nobody is passed over")
	assert.False(t, second.After)
	last := w.list(behind(2, second))
	assert.Equal(t, []string{"kim"}, names(last))
	assert.EqualValues(t, 4, last.Count)
	assert.Equal(t, []string{"eve", "zoe"}, names(w.list(ahead(2, last))))
	back := w.list(ahead(2, second))
	assert.Equal(t, []string{"bob"}, names(back))
	assert.False(t, back.Before)
	assert.True(t, back.After)
}

func TestAListThatTheCallerHasIsNotReadAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	had := w.list(window(2))
	known := page.Window{Limit: 2, Known: []string{had.Fingerprint}}

	again := w.list(known)
	assert.True(t, again.Unchanged)
	assert.Empty(t, again.Items)

	_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
		u.Staff = true
		return user.Edit{User: u}, nil
	})
	require.NoError(t, err)
	changed := w.list(known)
	assert.False(t, changed.Unchanged)
	assert.True(t, changed.Items[0].Staff)
}

// Who reads a cursor learns no number that user.deleted.1 gives to those who listen.
func TestAPlaceInTheListIsNotTheOlderID(t *testing.T) {
	w := newWorld(t)
	w.person("ada")
	w.person("bob")
	assert.Zero(t, w.count("users WHERE position = id"))
}
