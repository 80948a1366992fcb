package pizza_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/services/events/internal/pizza"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at is a resolver that finds every service at one address.
type at struct{ *url.URL }

func (a at) Resolve(string) (*url.URL, error) { return a.URL, nil }

func client(t *testing.T, handle http.HandlerFunc) *pizza.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	caller := httpclient.New(httpclient.Options{Resolver: at{address}, Token: "events-service:secret"})
	t.Cleanup(caller.CloseIdleConnections)
	c, err := pizza.NewClient(caller)
	require.NoError(t, err)
	return c
}

// answers says the same to everybody.
func answers(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

const (
	someJSON    = "application/json"
	problemJSON = "application/problem+json"
)

func onePizza(id string) string {
	return `{"id":` + id + `,"title":"Funghi ` + id + `","description":"","image_url":"","creator":null,` +
		`"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}`
}

func TestExists(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    bool
		fails   fault.Kind
	}{
		{name: "a pizza that is there exists", handler: answers(200, someJSON, onePizza("7")), want: true},
		{name: "a pizza that is not found does not", handler: answers(404, problemJSON, `{}`)},
		{name: "a service that is down is unavailable", handler: answers(503, problemJSON, `{}`), fails: fault.KindUnavailable},
		{name: "a service that waited in vain timed out", handler: answers(504, problemJSON, `{}`), fails: fault.Timeout},
		{name: "a service that fails is a bad gateway", handler: answers(500, problemJSON, `{}`), fails: fault.BadGateway},
		{name: "a login page is a bad gateway", handler: answers(200, "text/html", "<html>"), fails: fault.BadGateway},
		{name: "half a pizza is a bad gateway", handler: answers(200, someJSON, `{"id":`), fails: fault.BadGateway},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			exists, err := client(t, test.handler).Exists(t.Context(), 7)
			if test.fails != 0 {
				require.True(t, fault.Is(err, test.fails), "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, exists)
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	t.Run("it has those that exist, and asks for a hundred at a time", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int32
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			ids := strings.Split(r.URL.Query().Get("ids"), ",")
			assert.LessOrEqual(t, len(ids), 100)
			assert.Equal(t, "100", r.URL.Query().Get("limit"))
			var pizzas []string
			for _, id := range ids {
				if id != "3" {
					pizzas = append(pizzas, onePizza(id))
				}
			}
			answers(200, someJSON, fmt.Sprintf(`{"count":%d,"next":null,"previous":null,"results":[%s]}`, len(pizzas), strings.Join(pizzas, ",")))(w, r)
		})
		ids := make([]int64, 150)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		found, err := c.Find(t.Context(), ids)
		require.NoError(t, err)
		assert.Len(t, found, 149)
		assert.Equal(t, "Funghi 150", found[150].Title)
		assert.EqualValues(t, 2, calls.Load())
	})
	for name, handler := range map[string]http.HandlerFunc{
		"a list that is not found": answers(404, problemJSON, `{}`),
		"a list without bytes":     answers(200, "", ""),
		"a list in another status": answers(201, someJSON, `{}`),
		"a list that is no list":   answers(200, someJSON, `[]`),
		"a service that fails":     answers(500, problemJSON, `{}`),
	} {
		t.Run(name+" is a bad gateway", func(t *testing.T) {
			t.Parallel()
			_, err := client(t, handler).Find(t.Context(), []int64{1})
			require.True(t, fault.Is(err, fault.BadGateway), "%v", err)
		})
	}
}
