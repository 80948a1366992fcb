package pizza_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/problem"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/events/internal/event"
)

// attended is a store with an event that somebody attends, to which nothing is to be added.
type attended struct{ event.Store }

func (attended) Coming(context.Context, int64, int) ([]uuid.UUID, error) {
	return []uuid.UUID{uuid.New()}, nil
}

// taste is that all like the pizza 7.
type taste struct{}

func (taste) Of(_ context.Context, people []uuid.UUID) (map[uuid.UUID][]int64, error) {
	return map[uuid.UUID][]int64{people[0]: {7}}, nil
}

func TestAServiceThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		service  http.HandlerFunc
		patience time.Duration // 0: enough
		want     fault.Kind
		status   int
		retry    time.Duration // 0: as it is by default
	}{
		{name: "one that does not answer", service: silent, patience: 200 * time.Millisecond, want: fault.Timeout, status: 504},
		{name: "one that gets stuck", service: stuck, patience: 200 * time.Millisecond, want: fault.Timeout, status: 504},
		{name: "one that waited in vain itself", service: says(504, problemJSON, `{}`), want: fault.Timeout, status: 504},
		{name: "one that is down", service: says(503, problemJSON, `{}`), want: fault.KindUnavailable, status: 503},
		{
			name: "one that says when it comes back", service: says(503, problemJSON, `{}`, "Retry-After", "77"),
			want: fault.KindUnavailable, status: 503, retry: 77 * time.Second,
		},
		{
			name: "one that has too much to do", service: says(429, problemJSON, `{}`, "Retry-After", "77"),
			want: fault.KindUnavailable, status: 503, retry: 77 * time.Second,
		},
		{name: "one that makes a mistake", service: says(500, problemJSON, `{}`), want: fault.BadGateway, status: 502},
		{name: "one that does not know us", service: says(401, problemJSON, `{}`), want: fault.BadGateway, status: 502},
		{name: "one that does not understand us", service: says(400, problemJSON, `{}`), want: fault.BadGateway, status: 502},
		{name: "one that hangs up", service: cut, want: fault.BadGateway, status: 502},
		{name: "one that answers without end", service: endless, want: fault.BadGateway, status: 502},
		{name: "one that says that it answers too much", service: says(200, someJSON, strings.Repeat(" ", mostRead+1)), want: fault.BadGateway, status: 502},
		{name: "a page of something in between", service: says(200, "text/html", onePizza), want: fault.BadGateway, status: 502},
		{name: "a page that is not found in between", service: says(404, "text/html", "<html>"), want: fault.BadGateway, status: 502},
		{name: "an answer without bytes", service: says(200, "", ""), want: fault.BadGateway, status: 502},
		{name: "an answer without a body", service: says(204, someJSON, ""), want: fault.BadGateway, status: 502},
		{name: "half an answer", service: reads(`{"id":`, `{"results":`), want: fault.BadGateway, status: 502},
		{name: "an answer of another form", service: reads(`[]`, `[]`), want: fault.BadGateway, status: 502},
		{name: "an answer with nothing in it", service: reads(`{}`, `{}`), want: fault.BadGateway, status: 502},
		{name: "null", service: reads(`null`, `null`), want: fault.BadGateway, status: 502},
		{
			name:    "an id that is no number",
			service: reads(strings.Replace(onePizza, "7", `"7"`, 1), strings.Replace(onePage, `"id":7`, `"id":"7"`, 1)),
			want:    fault.BadGateway, status: 502,
		},
		{
			name:    "a time that is none",
			service: reads(strings.Replace(onePizza, "2026-01-01T", "soon", 1), strings.Replace(onePage, "2026-01-01T", "soon", 1)),
			want:    fault.BadGateway, status: 502,
		},
		{
			name:    "a creator who is none",
			service: reads(strings.Replace(onePizza, "null", `"Ann"`, 1), strings.Replace(onePage, `"creator":null`, `"creator":"Ann"`, 1)),
			want:    fault.BadGateway, status: 502,
		},
		{
			name:    "another pizza than was asked for",
			service: reads(strings.Replace(onePizza, "7", "8", 1), strings.Replace(onePage, `"id":7`, `"id":8`, 1)),
			want:    fault.BadGateway, status: 502,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			events := event.NewService(attended{}, served(t, test.service), taste{}) // who cannot know invites to nothing
			person := identity.Caller{User: uuid.New()}
			_, err := events.Create(lasting(t, test.patience), person, event.Draft{
				Title: new("Picnic"), Place: new("the park"), StartsAt: new(time.Now()), Pizza: event.Nullable[int64]{Said: true, Value: new(int64(7))},
			})
			failed(t, err, test.want, test.status, test.retry)
			_, err = events.Suggest(lasting(t, test.patience), person, 1, 5) // not half a list
			failed(t, err, test.want, test.status, test.retry)
		})
	}
	t.Run("one that answers well does not", func(t *testing.T) {
		t.Parallel()
		pizzas := served(t, reads(onePizza, onePage))
		exists, err := pizzas.Exists(t.Context(), 7)
		require.NoError(t, err)
		assert.True(t, exists)
		found, err := pizzas.Find(t.Context(), []int64{7})
		require.NoError(t, err)
		assert.Equal(t, "Funghi", found[7].Title)
	})
	t.Run("one that does not answer for as long as any call may take", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(silent))
		t.Cleanup(server.Close)
		target, err := url.Parse(server.URL)
		require.NoError(t, err)
		_, err = client(t, httpclient.Options{Resolver: at{target}, Config: httpclient.Config{Timeout: setting.NewLive(100 * time.Millisecond)}}).Exists(t.Context(), 7)
		failed(t, err, fault.Timeout, 504, 0)
	})
	t.Run("one that is not there is unavailable", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		_, err := calling(t, server.URL).Exists(t.Context(), 7)
		failed(t, err, fault.KindUnavailable, 503, 0)
	})
	t.Run("one that nobody knows of is unavailable", func(t *testing.T) {
		t.Parallel()
		_, err := client(t, httpclient.Options{Resolver: at{}}).Exists(t.Context(), 7)
		failed(t, err, fault.KindUnavailable, 503, 0)
	})
	t.Run("one that sends us elsewhere is not followed there", func(t *testing.T) {
		t.Parallel()
		var visits atomic.Int32
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits.Add(1)
			reads(onePizza, onePage)(w, r)
		}))
		t.Cleanup(elsewhere.Close)
		for _, status := range []int{301, 302, 303, 307, 308} {
			pizzas := served(t, func(w http.ResponseWriter, r *http.Request) {
				says(status, "text/html", "", "Location", elsewhere.URL+r.URL.Path)(w, r)
			})
			_, err := pizzas.Exists(t.Context(), 7)
			failed(t, err, fault.BadGateway, 502, 0)
			_, err = pizzas.Find(t.Context(), []int64{7})
			failed(t, err, fault.BadGateway, 502, 0)
		}
		assert.Zero(t, visits.Load())
	})
	t.Run("a caller who has left is no fault of the service", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := served(t, func(w http.ResponseWriter, r *http.Request) { cancel(); silent(w, r) }).Exists(ctx, 7)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// lasting is a context that ends then; 0: with the test.
func lasting(t *testing.T, patience time.Duration) context.Context {
	t.Helper()
	if patience == 0 {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func served(t *testing.T, service http.HandlerFunc) event.Pizzas {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return calling(t, server.URL)
}

func calling(t *testing.T, address string) event.Pizzas {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	return client(t, httpclient.Options{Resolver: at{target}, Token: "events-service:secret", MaxBody: mostRead,
		Config: httpclient.Config{Timeout: setting.NewLive(time.Minute)}})
}

// failed says what our own caller is answered.
func failed(t *testing.T, err error, want fault.Kind, status int, retry time.Duration) {
	t.Helper()
	require.True(t, fault.Is(err, want), "%v", err)
	assert.Equal(t, status, problem.Status(fault.From(err).Kind))
	if retry > 0 {
		assert.Equal(t, retry, fault.From(err).RetryAfter)
	}
}
