package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/services/auth/internal/erasure"
)

func TestATagSavesReadingAUserAgain(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.person("ada", false), w.person("eve", false)
	a := w.status(http.StatusOK, ada.as, "GET", ada.path(), nil)
	require.Regexp(t, `^"\d+\.[\w-]+\.json"$`, a.tag())

	again := w.status(http.StatusNotModified, asking(ada.as, "If-None-Match", a.tag()), "GET", ada.path(), nil)
	assert.Equal(t, a.tag(), again.tag())
	assert.Empty(t, again.body)
	assert.Equal(t, a.Header.Get("Cache-Control"), again.Header.Get("Cache-Control"))
	w.status(http.StatusForbidden, asking(eve.as, "If-None-Match", a.tag()), "GET", ada.path(), nil)

	changed := w.status(http.StatusOK, ada.as, "PATCH", ada.path(), object{"email": "new@example.org"})
	assert.NotEqual(t, a.tag(), changed.tag())
	read := w.status(http.StatusOK, asking(ada.as, "If-None-Match", a.tag()), "GET", ada.path(), nil)
	assert.Equal(t, changed.tag(), read.tag(), "a change is answered with the tag of what is there now")

	w.forget(operator, ada)
	w.status(http.StatusGone, asking(operator, "If-None-Match", read.tag()), "GET", ada.path(), nil)
}

func TestNobodyIsOverwrittenByWhoHasNotSeenThem(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.person("ada", false), w.person("eve", false)
	old := w.status(http.StatusOK, ada.as, "GET", ada.path(), nil).tag()
	now := w.status(http.StatusOK, asking(ada.as, "If-Match", old), "PATCH", ada.path(), object{"email": "new@example.org"}).tag()
	whole := object{"username": "ada", "email": "newer@example.org"}
	for _, condition := range [][]string{{"If-Match", old}, {"If-Match", "W/" + now}, {"If-None-Match", "*"}, {"If-None-Match", now}} {
		late := asking(operator, condition...)
		w.status(http.StatusPreconditionFailed, late, "PUT", ada.path(), whole)
		w.status(http.StatusPreconditionFailed, late, "PATCH", ada.path(), whole)
		w.status(http.StatusPreconditionFailed, late, "DELETE", ada.path()+"/sessions", nil)
		w.status(http.StatusPreconditionFailed, late, "DELETE", ada.path(), nil)
		w.status(http.StatusForbidden, asking(eve.as, condition...), "PATCH", ada.path(), whole)
	}
	assert.Equal(t, now, w.status(http.StatusOK, ada.as, "GET", ada.path(), nil).tag(), "nothing of that changed anything")

	w.status(http.StatusNoContent, asking(operator, "If-Match", now), "DELETE", ada.path()+"/sessions", nil)
	last := w.status(http.StatusOK, asking(operator, "If-Match", now), "PUT", ada.path(), whole).tag()
	w.status(http.StatusAccepted, asking(operator, "If-Match", `"x", `+last), "DELETE", ada.path(), nil)
	w.status(http.StatusAccepted, asking(operator, "If-Match", now), "DELETE", ada.path(), nil)
}

func TestWhereNobodyIsTheConditionsSaySo(t *testing.T) {
	w := newWorld(t)
	path := "/users/" + uuid.NewString()
	whole := object{"username": "ada", "email": "ada@example.org", "password": secret}
	w.status(http.StatusNotFound, asking(operator, "If-Match", "*"), "PATCH", path, whole)
	w.status(http.StatusNotFound, asking(operator, "If-Match", "*"), "DELETE", path, nil)
	w.status(http.StatusPreconditionFailed, asking(operator, "If-Match", "*"), "PUT", path, whole)
	made := w.status(http.StatusCreated, asking(operator, "If-None-Match", "*"), "PUT", path, whole)
	assert.Equal(t, made.tag(), w.status(http.StatusOK, operator, "GET", path, nil).tag())
	w.status(http.StatusPreconditionFailed, asking(operator, "If-None-Match", "*"), "PUT", path, whole)
}

func TestNullInAPatchIsWhatLeavingItOutOfAPutMeans(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", true)
	var left object
	w.status(http.StatusOK, operator, "PATCH", boss.path(), object{"staff": nil, "password": nil}).into(t, &left)
	assert.Equal(t, false, left["staff"])
	w.logIn("boss", secret)
	a := w.status(http.StatusBadRequest, operator, "PATCH", boss.path(), object{"username": nil, "email": nil})
	assert.ElementsMatch(t, []string{"username", "email"}, a.fields(t))
	a = w.status(http.StatusBadRequest, anyone, "POST", "/users", object{"username": "ada", "email": "a@example.org", "password": nil})
	assert.Equal(t, []string{"password"}, a.fields(t))
}

func TestAListHasATagThatChangesWithItsRows(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", false)
	before := w.status(http.StatusOK, operator, "GET", "/users", nil).tag()
	known := asking(operator, "If-None-Match", before)
	w.status(http.StatusNotModified, known, "GET", "/users", nil)
	w.status(http.StatusOK, ada.as, "PATCH", ada.path(), object{"email": "new@example.org"})
	w.status(http.StatusOK, known, "GET", "/users", nil)
}

func TestATagOfAnErasureChangesWithWhatItsHoldersSay(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.ledger.Register(t.Context(), []string{"auth", "pizza"}))
	ada := w.person("ada", false)
	e := w.forget(operator, ada)
	for _, path := range []string{"/erasures/" + e.ID, "/erasures"} {
		by := asking(operator, "If-None-Match", w.status(http.StatusOK, operator, "GET", path, nil).tag())
		w.status(http.StatusNotModified, by, "GET", path, nil)
		require.NoError(t, w.ledger.Receive(t.Context(), "queue", erasure.Receipt{
			Message: uuid.New(), Erasure: e.ID, Person: ada.id, Service: "pizza", Deleted: map[string]int32{"pizzas": 2}, ErasedAt: time.Now(),
		}))
		w.status(http.StatusOK, by, "GET", path, nil)
	}
}

func TestASessionHasATagOfItsOwn(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", false)
	made := w.status(http.StatusCreated, anyone, "POST", "/sessions", object{"username": "ada", "password": secret})
	by := with(made.Cookies()[0])
	tag := w.status(http.StatusOK, by, "GET", "/sessions/current", nil).tag()
	assert.Equal(t, made.tag(), tag)
	w.status(http.StatusNotModified, asking(by, "If-None-Match", tag), "GET", "/sessions/current", nil)
	w.status(http.StatusOK, asking(ada.as, "If-None-Match", tag), "GET", "/sessions/current", nil)
	w.status(http.StatusPreconditionFailed, asking(ada.as, "If-Match", tag), "DELETE", "/sessions/current", nil)
	w.status(http.StatusNoContent, asking(by, "If-Match", tag), "DELETE", "/sessions/current", nil)
}
