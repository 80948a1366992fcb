package likes_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/services/events/internal/likes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at is a resolver that finds every service at one address.
type at struct{ *url.URL }

func (a at) Resolve(string) (*url.URL, error) { return a.URL, nil }

func client(t *testing.T, handle http.HandlerFunc) *likes.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	caller := httpclient.New(httpclient.Options{Resolver: at{address}, Token: "events-service:secret"})
	t.Cleanup(caller.CloseIdleConnections)
	c, err := likes.NewClient(caller)
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

func list(pizza string) string {
	return `{"count":1,"next":null,"previous":null,"results":[{"id":1,"user":"` + uuid.NewString() + `","pizza":` + pizza +
		`,"created_at":"2026-01-01T00:00:00Z"}]}`
}

func TestOf(t *testing.T) {
	t.Parallel()
	t.Run("it asks for a hundred of the person's likes, with the service's token", func(t *testing.T) {
		t.Parallel()
		ada := uuid.New()
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/api/v1/likes", r.URL.Path)
			assert.Equal(t, url.Values{"user": {ada.String()}, "limit": {"100"}}, r.URL.Query())
			assert.NotEmpty(t, r.Header.Get("Authorization"))
			answers(200, someJSON, list("9007199254740991"))(w, r)
		})
		pizzas, err := c.Of(t.Context(), ada)
		require.NoError(t, err)
		assert.Equal(t, []int64{9007199254740991}, pizzas)
	})
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    fault.Kind
	}{
		{"a service that is down is unavailable", answers(503, problemJSON, `{}`), fault.KindUnavailable},
		{"a service that waited in vain timed out", answers(504, problemJSON, `{}`), fault.Timeout},
		{"a service that fails is a bad gateway", answers(500, problemJSON, `{}`), fault.BadGateway},
		{"a service that does not know our token is a bad gateway", answers(401, problemJSON, `{}`), fault.BadGateway},
		{"a list that is not found is a bad gateway", answers(404, problemJSON, `{}`), fault.BadGateway},
		{"a list without bytes is a bad gateway", answers(200, "", ""), fault.BadGateway},
		{"a like without a pizza is a bad gateway", answers(200, someJSON, list("null")), fault.BadGateway},
		{"a like of something else is a bad gateway", answers(200, someJSON, list(`"seven"`)), fault.BadGateway},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, test.handler).Of(t.Context(), uuid.New())
			require.True(t, fault.Is(err, test.want), "%v", err)
		})
	}
}
