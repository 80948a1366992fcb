package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnyoneSignsUpAndReadsThemselves(t *testing.T) {
	w := newWorld(t)
	a := w.status(http.StatusCreated, anyone, "POST", "/users", object{"username": "ada", "email": "ada@example.org", "password": secret, "staff": true})
	var made object
	a.into(t, &made)
	assert.Equal(t, "/api/v1/users/"+made["id"].(string), a.Header.Get("Location"))
	assert.Equal(t, "ada", made["username"])
	assert.Equal(t, "ada@example.org", made["email"])
	assert.Equal(t, false, made["staff"], "nobody makes themselves staff")
	assert.NotContains(t, made, "password")
	assert.Len(t, made, 6)

	a = w.status(http.StatusOK, with(w.logIn("ada", secret)), "GET", "/users/"+made["id"].(string), nil)
	var read object
	a.into(t, &read)
	assert.Equal(t, made, read)
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.status(http.StatusBadRequest, anyone, "POST", "/users", object{"username": "a b", "email": "x", "password": "short", "nonsense": 1})
	assert.ElementsMatch(t, []string{"username", "email", "password", "nonsense"}, a.fields(t))
	a = w.status(http.StatusBadRequest, anyone, "POST", "/users", object{})
	assert.ElementsMatch(t, []string{"username", "email", "password"}, a.fields(t))
	a = w.status(http.StatusBadRequest, anyone, "POST", "/users", object{"username": "a", "email": "a@example.org", "password": strings.Repeat("x", 129)})
	assert.Equal(t, []string{"password"}, a.fields(t))
}

func TestATakenUsernameIsAConflictThatNamesIt(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada", false), w.person("bob", false)
	draft := object{"username": "ADA", "email": "a@example.org", "password": secret}
	for _, a := range []answer{
		w.send(anyone, "POST", "/users", draft),
		w.send(operator, "PUT", "/users/"+uuid.NewString(), draft),
		w.send(bob.as, "PUT", bob.path(), draft),
		w.send(bob.as, "PATCH", bob.path(), object{"username": "ADA"}),
	} {
		assert.Equal(t, http.StatusConflict, a.StatusCode)
		assert.Contains(t, a.detail(t), `"ADA"`)
	}
	w.status(http.StatusOK, ada.as, "PATCH", ada.path(), object{"username": "ADA"})
}

func TestWhatGetGaveCanBePut(t *testing.T) {
	w := newWorld(t)
	ada, boss := w.person("ada", false), w.person("boss", true)
	for _, test := range []struct {
		p  person
		by caller
	}{{ada, ada.as}, {ada, operator}, {boss, boss.as}, {boss, operator}} {
		var got, put object
		w.status(http.StatusOK, test.by, "GET", test.p.path(), nil).into(t, &got)
		w.status(http.StatusOK, test.by, "PUT", test.p.path(), got).into(t, &put)
		assert.Equal(t, got, put, "nothing has changed, so nothing is written")
	}
	w.logIn("ada", secret) // still the same password
	w.status(http.StatusOK, boss.as, "GET", "/users", nil)
}

func TestStaffAndServicesCreateAtAnID(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", true)
	for name, by := range map[string]caller{"a": boss.as, "b": operator} {
		id := uuid.NewString()
		draft := object{"username": name, "email": "x@example.org", "password": secret, "staff": true}
		a := w.status(http.StatusCreated, by, "PUT", "/users/"+id, draft)
		assert.Equal(t, "/api/v1/users/"+id, a.Header.Get("Location"))
		var made object
		a.into(t, &made)
		assert.Equal(t, id, made["id"])
		assert.Equal(t, true, made["staff"])
		w.status(http.StatusOK, by, "PUT", "/users/"+id, draft)
		delete(draft, "password")
		w.status(http.StatusBadRequest, by, "PUT", "/users/"+uuid.NewString(), draft)
	}
	w.status(http.StatusBadRequest, operator, "PUT", "/users/nonsense", object{"username": "c", "email": "x@example.org"})
	w.status(http.StatusNotFound, operator, "GET", "/users/nonsense", nil)
	w.status(http.StatusNotFound, operator, "GET", "/users/"+uuid.NewString(), nil)
}

func TestRights(t *testing.T) {
	w := newWorld(t)
	ada, eve, boss := w.person("ada", false), w.person("eve", false), w.person("boss", true)
	stranger := "/users/" + uuid.NewString()
	type expected struct{ anyone, self, other, staff, service int }
	everybody := expected{401, 200, 403, 200, 200}
	admins := expected{401, 403, 403, 200, 200}
	whole := object{"username": "ada", "email": "new@example.org"}
	for _, test := range []struct {
		method, path string
		body         any
		want         expected
	}{
		{"GET", "/users", nil, admins},
		{"GET", "/erasures", nil, admins},
		{"GET", ada.path(), nil, everybody},
		{"PUT", ada.path(), whole, everybody},
		{"PATCH", ada.path(), object{"email": "newer@example.org"}, everybody},
		{"GET", stranger, nil, expected{401, 403, 403, 404, 404}},
		{"PUT", stranger, object{"username": "x", "email": "x@example.org"}, expected{401, 403, 403, 400, 400}},
		{"PATCH", stranger, object{}, expected{401, 403, 403, 404, 404}},
		{"DELETE", stranger, nil, expected{401, 403, 403, 404, 404}},
		{"DELETE", stranger + "/sessions", nil, expected{401, 403, 403, 404, 404}},
		{"GET", "/sessions/current", nil, expected{401, 200, 200, 200, 404}},
	} {
		for _, by := range []struct {
			name   string
			caller caller
			want   int
		}{
			{"anyone", anyone, test.want.anyone},
			{"the person", ada.as, test.want.self},
			{"somebody else", eve.as, test.want.other},
			{"staff", boss.as, test.want.staff},
			{"a service", operator, test.want.service},
		} {
			a := w.send(by.caller, test.method, test.path, test.body)
			assert.Equal(t, by.want, a.StatusCode, "%s %s by %s: %s", test.method, test.path, by.name, a.body)
		}
	}
	a := w.send(anyone, "GET", ada.path(), nil)
	assert.Equal(t, "Missing authentication header", a.detail(t))
	assert.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
}

func TestUsersAreListedInPages(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.person(fmt.Sprint("p", i), false)
	}
	a := w.status(http.StatusOK, operator, "GET", "/users?limit=2&offset=0", nil)
	var list struct {
		Count    int
		Next     *string
		Previous *string
		Results  []object
	}
	a.into(t, &list)
	assert.Equal(t, 3, list.Count)
	assert.Len(t, list.Results, 2)
	require.NotNil(t, list.Next)
	assert.Regexp(t, `^http://auth\.test/api/v1/users\?cursor=[\w-]+&limit=2&offset=2$`, *list.Next)
	assert.Contains(t, a.Header.Get("Link"), `rel="next"`)
	assert.Nil(t, list.Previous)
	first := list.Results

	w.status(http.StatusOK, operator, "GET", w.path(*list.Next), nil).into(t, &list)
	assert.Nil(t, list.Next)
	assert.Equal(t, "p2", list.Results[0]["username"])
	require.NotNil(t, list.Previous)
	w.status(http.StatusOK, operator, "GET", w.path(*list.Previous), nil).into(t, &list)
	assert.Equal(t, first, list.Results)
	w.status(http.StatusBadRequest, operator, "GET", "/users?limit=-1", nil)
}

func TestNothingPersonalIsLogged(t *testing.T) {
	w := newWorld(t)
	ada := w.person("lovelace", false)
	w.send(anyone, "POST", "/users", object{"username": "lovelace", "email": "lovelace@example.org", "password": secret})
	w.send(anyone, "POST", "/sessions", object{"username": "lovelace", "password": secret + "!"})
	w.send(ada.as, "PATCH", ada.path(), object{"password": secret + "?"})
	w.status(http.StatusAccepted, ada.as, "DELETE", ada.path(), nil)
	written := w.log.String()
	require.Contains(t, written, "/api/v1/users/:uuid")
	for _, personal := range []string{"lovelace", secret, ada.id.String(), ada.cookie.Value} {
		assert.NotContains(t, written, personal)
	}
}
