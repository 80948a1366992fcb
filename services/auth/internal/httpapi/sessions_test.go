package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALoginSetsACookieAndSaysUntilWhen(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", true)
	a := w.status(http.StatusCreated, anyone, "POST", "/sessions", object{"username": "Ada", "password": secret})
	assert.Equal(t, "/api/v1/sessions/current", a.Header.Get("Location"))
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	cookie := a.Cookies()[0]
	assert.Equal(t, "pizza-auth", cookie.Name)
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	var made, current struct {
		User      string
		Staff     bool
		CreatedAt time.Time `json:"created_at"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	a.into(t, &made)
	assert.Equal(t, ada.id.String(), made.User)
	assert.True(t, made.Staff)
	assert.WithinDuration(t, time.Now().Add(time.Hour), made.ExpiresAt, time.Minute)
	assert.Equal(t, made.ExpiresAt, cookie.Expires)
	w.status(http.StatusOK, with(cookie), "GET", "/sessions/current", nil).into(t, &current)
	assert.Equal(t, made, current)
}

func TestAFailedLoginSaysTheSameWhateverIsWrong(t *testing.T) {
	w := newWorld(t)
	w.person("ada", false)
	for _, credentials := range []object{
		{"username": "ada", "password": "wrong"},
		{"username": "ada", "password": ""},
		{"username": "nobody", "password": secret},
	} {
		a := w.status(http.StatusUnauthorized, anyone, "POST", "/sessions", credentials)
		assert.Equal(t, "Wrong username or password.", a.detail(t))
		assert.Empty(t, a.Cookies())
	}
	a := w.status(http.StatusBadRequest, anyone, "POST", "/sessions", object{"username": 1})
	assert.ElementsMatch(t, []string{"username", "password"}, a.fields(t))
}

func TestLoggingOutEndsTheSessionAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", false)
	other := with(w.logIn("ada", secret))
	a := w.status(http.StatusNoContent, ada.as, "DELETE", "/sessions/current", nil)
	expired(t, a)
	for _, path := range []string{"/sessions/current", ada.path()} {
		w.status(http.StatusUnauthorized, ada.as, "GET", path, nil)
	}
	w.status(http.StatusUnauthorized, ada.as, "DELETE", "/sessions/current", nil)
	w.status(http.StatusOK, other, "GET", "/sessions/current", nil)
}

func expired(t *testing.T, a answer) {
	t.Helper()
	require.Len(t, a.Cookies(), 1)
	assert.Equal(t, "pizza-auth", a.Cookies()[0].Name)
	assert.Negative(t, a.Cookies()[0].MaxAge)
}

func TestAPersonAndStaffEndAllSessionsOfThatPerson(t *testing.T) {
	w := newWorld(t)
	ada, bob, boss := w.person("ada", false), w.person("bob", false), w.person("boss", true)
	for _, by := range []caller{ada.as, boss.as, operator} {
		first, second := with(w.logIn("ada", secret)), with(w.logIn("ada", secret))
		w.status(http.StatusForbidden, bob.as, "DELETE", ada.path()+"/sessions", nil)
		w.status(http.StatusOK, first, "GET", ada.path(), nil)
		w.status(http.StatusNoContent, by, "DELETE", ada.path()+"/sessions", nil)
		for _, session := range []caller{first, second, ada.as} {
			w.status(http.StatusUnauthorized, session, "GET", ada.path(), nil)
		}
	}
	w.status(http.StatusOK, bob.as, "GET", bob.path(), nil)
	again := with(w.logIn("ada", secret))
	expired(t, w.status(http.StatusNoContent, again, "DELETE", ada.path()+"/sessions", nil))
}

func TestANewPasswordEndsTheOtherSessionsOnly(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", false)
	other := with(w.logIn("ada", secret))
	w.status(http.StatusOK, ada.as, "PATCH", ada.path(), object{"password": "another password"})
	w.status(http.StatusOK, ada.as, "GET", ada.path(), nil)
	w.status(http.StatusUnauthorized, other, "GET", ada.path(), nil)
	w.status(http.StatusUnauthorized, anyone, "POST", "/sessions", object{"username": "ada", "password": secret})

	other = with(w.logIn("ada", "another password"))
	w.status(http.StatusOK, ada.as, "PUT", ada.path(), object{"username": "ada", "email": "a@example.org", "password": secret})
	w.status(http.StatusUnauthorized, other, "GET", ada.path(), nil)

	w.status(http.StatusOK, operator, "PATCH", ada.path(), object{"password": "another password"})
	w.status(http.StatusUnauthorized, ada.as, "GET", ada.path(), nil)
}

func TestWhoIsNoLongerStaffIsLoggedOut(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", true)
	w.status(http.StatusOK, boss.as, "GET", "/users", nil)
	w.status(http.StatusOK, operator, "PATCH", boss.path(), object{"staff": false})
	w.status(http.StatusUnauthorized, boss.as, "GET", "/users", nil)
	w.status(http.StatusForbidden, with(w.logIn("boss", secret)), "GET", "/users", nil)
}
