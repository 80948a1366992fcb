package system

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// kept are the tables that every operation of a service needs one of.
var kept = map[string][]string{
	"auth": {"users", "sessions", "erasures"}, "pizza": {"pizzas"}, "likes": {"likes"}, "events": {"events", "attendances"},
}

func broken(t *testing.T, w *world) {
	t.Run("a mistake of ours is 500", func(t *testing.T) { tablesAreMissing(t, w.in(t)) })
	t.Run("a database that is down is 503", func(t *testing.T) { databaseIsDown(t, w.in(t)) })
	t.Run("a database that hangs is 504 in the end", func(t *testing.T) { databaseHangs(t, w.in(t)) })
	for name, other := range map[string]struct {
		status int
		pizza  http.HandlerFunc
	}{
		"another service that makes no sense is 502": {http.StatusBadGateway, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<h1>Log in</h1>"))
		}},
		"another service that is down is 503": {http.StatusServiceUnavailable, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}},
		"another service that closes the connection is 503": {http.StatusServiceUnavailable, func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}},
		"another service that hangs is 504": {http.StatusGatewayTimeout, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}},
	} {
		t.Run(name, func(t *testing.T) { pizzaIsOther(t, w.in(t), other.status, other.pizza) })
	}
}

// tablesAreMissing takes what an operation reads or writes away for a moment, from one service after another.
func tablesAreMissing(t *testing.T, w *world) {
	requests := successes(w)
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			w := w.in(t)
			for _, name := range kept[service] {
				rename(t, databases[service], name, name+"_elsewhere")
				defer rename(t, databases[service], name+"_elsewhere", name)
			}
			for _, r := range requests {
				for _, f := range conformance.Formats {
					if r.Service.Name == service {
						w.want(http.StatusInternalServerError, r.Reading(f, f == conformance.JSON))
					}
				}
			}
		})
	}
}

func rename(t *testing.T, db *sql.DB, from, to string) {
	t.Helper()
	_, err := db.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf("ALTER TABLE %s RENAME TO %s", from, to))
	require.NoError(t, err)
}

func databaseIsDown(t *testing.T, w *world) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	requests := successes(w)
	require.NoError(t, running.Stop(ctx, "postgres"))
	defer func() {
		assert.NoError(t, running.Start(ctx, "postgres"))
		for _, service := range services {
			assert.NoError(t, running.Wait(ctx, service))
			databases[service].SetMaxIdleConns(0) // forget the connections that are no more
			databases[service].SetMaxIdleConns(2)
		}
	}()
	for _, r := range requests {
		for _, f := range conformance.Formats {
			w.want(http.StatusServiceUnavailable, r.Reading(f, f == conformance.JSON))
		}
	}
}

// databaseHangs locks the tables for longer than a request may take. A statement that waits for a lock gives up before
// that, so the requests have to queue for a connection: there are more of them than can wait for a lock one after another.
func databaseHangs(t *testing.T, w *world) {
	const crowd = 250
	requests := successes(w)
	for _, service := range services {
		lock, err := databases[service].BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, name := range kept[service] {
			_, err := lock.ExecContext(t.Context(), "LOCK TABLE "+name+" IN ACCESS EXCLUSIVE MODE")
			require.NoError(t, err)
		}
		defer func() { _ = lock.Rollback() }()
	}
	ctx, leave := context.WithTimeout(t.Context(), time.Minute)
	defer leave()
	var crowds, all sync.WaitGroup
	for _, read := range []request{
		w.by("getUser", "uuid", w.bob.id), w.by("getPizza", "id", w.pizza), w.by("getLike", "id", w.like), w.by("getEvent", "id", w.event),
	} {
		for range crowd {
			crowds.Go(func() { _, _, _ = read.Do(ctx) }) // what becomes of these is no matter
		}
	}
	require.True(t, within(t, patience, func() bool {
		return !slices.ContainsFunc(services, func(s string) bool { return waiting(t, databases[s]) < 9 })
	}), "every connection of every service waits for a lock")

	answers := make(chan conformance.Answer, 4*len(requests))
	for _, r := range requests {
		for _, f := range []conformance.Format{conformance.JSON, conformance.MessagePack, conformance.Protobuf, conformance.JSON} {
			all.Go(func() {
				a, wrong, err := r.Reading(f, false).Do(ctx)
				if assert.NoError(t, err, "%s", r) {
					assert.Empty(t, wrong)
					answers <- a
				}
			})
		}
	}
	all.Wait()
	leave()
	crowds.Wait()
	close(answers)
	for a := range answers {
		assert.Contains(t, []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}, a.Status, "%s", a.Data)
	}
}

// waiting is how many of the service's statements wait for a lock.
func waiting(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	const query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// pizzaIsOther makes the others ask a pizza service that answers like this.
func pizzaIsOther(t *testing.T, w *world, status int, pizza http.HandlerFunc) {
	user := nobody()
	asking := []request{
		w.by("createLike").Saying(fields{"pizza": number(w.pizza), "user": user}),
		w.by("putLike", "id", unused()).Saying(fields{"pizza": number(w.pizza), "user": user}),
		w.by("patchLike", "id", w.bobs).Saying(fields{"pizza": number(w.pizza)}),
		w.by("getLike", "id", w.like).Asking("expand=pizza", "ExpandedLike"),
		w.by("listLikes").Asking("expand=pizza&limit=1", "ExpandedLikeList"),
		w.by("createEvent").Saying(newEvent(fields{"pizza": number(w.pizza)})),
		w.by("putEvent", "id", unused()).Saying(newEvent(fields{"pizza": number(w.pizza)})),
		w.by("patchEvent", "id", w.event).Saying(fields{"pizza": number(w.other)}),
		w.by("listSuggestions", "id", w.event),
	}
	var address string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/livez" {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]string{"service": "pizza", "version": "other"})
			return
		}
		pizza(w, r)
	}))
	address = other.Listener.Addr().(*net.TCPAddr).String()
	etcdctl(t, "put", "tizza/development/pizza/url", "http://"+address)
	defer other.Close()
	defer func() {
		etcdctl(t, "del", "tizza/development/pizza/url")
		for _, r := range []request{asking[3], asking[8]} { // until both have heard of it
			assert.True(t, within(t, patience, func() bool { return w.do(r).Status == http.StatusOK }))
		}
	}()
	for _, r := range []request{asking[3], asking[8]} {
		require.True(t, within(t, patience, func() bool { return w.do(r).Status == status }), "%s", r)
	}
	var all sync.WaitGroup
	for _, r := range asking {
		for _, f := range conformance.Formats {
			all.Go(func() {
				a, wrong, err := r.Reading(f, false).Do(t.Context())
				if assert.NoError(t, err) {
					assert.Empty(t, wrong)
					assert.Equal(t, status, a.Status, "%s", r)
				}
			})
		}
	}
	all.Wait()
}

func whatIsDocumentedHappens(t *testing.T, w *world) {
	for _, service := range services {
		s := w.services[service]
		for _, unseen := range s.Ledger.Unseen() {
			t.Errorf("%s: %s is documented, and no test has brought it about", service, unseen)
		}
		answers, kinds := s.Ledger.Total()
		t.Logf("%s: %d answers to %d operations, %d operations × statuses", service, answers, len(s.Operations()), kinds)
	}
}
