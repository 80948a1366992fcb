package likes_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/openapitest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/events/internal/likes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const document = "../../../likes/openapi.yaml"

// world is a likes service, and what a test prepares there.
type world struct {
	*testing.T
	address *url.URL // of likes
	pizza   *url.URL // of pizza, whose pizzas likes looks for; nil: any number is a pizza
	token   setting.Secret
	http    *http.Client
	*likes.Client
}

// worlds are the likes services that the suite runs against: one in memory that is held against the document, and the
// real one that TEST_LIKES_URL and TEST_PIZZA_URL (no path) and TEST_SERVICE_TOKEN (client:password, all scopes) tell of.
func worlds() map[string]func(*testing.T) *world {
	all := map[string]func(*testing.T) *world{
		"fake": func(t *testing.T) *world { return fake(t, t, newLedger()) },
	}
	if address := os.Getenv("TEST_LIKES_URL"); address != "" {
		all["real"] = func(t *testing.T) *world {
			w := open(t, address, setting.Secret(os.Getenv("TEST_SERVICE_TOKEN")))
			pizza, err := url.Parse(os.Getenv("TEST_PIZZA_URL"))
			require.NoError(t, err)
			w.pizza = pizza
			return w
		}
	}
	return all
}

// fake is a world of that service, whose complaints about what does not fit the document go to blame.
func fake(t *testing.T, blame testing.TB, service http.Handler) *world {
	t.Helper()
	server := httptest.NewServer(openapitest.Handler(blame, document, service))
	t.Cleanup(server.Close)
	return open(t, server.URL, "events-service:secret")
}

func open(t *testing.T, address string, token setting.Secret) *world {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &world{T: t, address: target, token: token, http: &http.Client{Transport: transport, Timeout: time.Minute},
		Client: client(t, httpclient.Options{Resolver: at{target}, Token: token, Config: httpclient.Config{Timeout: setting.NewLive(time.Minute)}})}
}

// at is a resolver that finds every service at one address.
type at []*url.URL

func (a at) Targets(string) ([]*url.URL, error) { return a, nil }

func client(t *testing.T, o httpclient.Options) *likes.Client {
	t.Helper()
	caller := httpclient.New(o)
	t.Cleanup(caller.CloseIdleConnections)
	c, err := likes.NewClient(caller)
	require.NoError(t, err)
	return c
}

// pizzas are that many there are to like; they go when the test has ended.
func (w *world) pizzas(count int) []int64 {
	w.Helper()
	var ids []int64
	for i := range count {
		id := int64(i + 1)
		if w.pizza != nil {
			id = w.make(w.pizza, "/pizzas", map[string]any{"title": fmt.Sprintf("Pizza %d", i)})
		}
		ids = append(ids, id)
	}
	return ids
}

// like makes a like, which goes when the test has ended, or sooner by what is returned.
func (w *world) like(person uuid.UUID, pizza int64) (takeBack func()) {
	w.Helper()
	id := w.make(w.address, "/likes", map[string]any{"user": person, "pizza": pizza})
	return func() { w.drop(w.address, "/likes", id) }
}

func (w *world) make(service *url.URL, path string, body any) int64 {
	w.Helper()
	var made struct{ ID int64 }
	w.send(w.Context(), http.MethodPost, service.JoinPath("/api/v1"+path), body, &made)
	w.Cleanup(func() { w.drop(service, path, made.ID) })
	return made.ID
}

// drop deletes; what is gone may be.
func (w *world) drop(service *url.URL, path string, id int64) {
	w.Helper()
	w.send(context.WithoutCancel(w.Context()), http.MethodDelete, service.JoinPath(fmt.Sprintf("/api/v1%s/%d", path, id)), nil, nil)
}

func (w *world) send(ctx context.Context, method string, to *url.URL, body, into any) {
	w.Helper()
	data, err := json.Marshal(body)
	require.NoError(w, err)
	if body == nil {
		data = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(data))
	require.NoError(w, err)
	request.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(w.token.Reveal())))
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := w.http.Do(request)
	require.NoError(w, err)
	defer response.Body.Close()
	gone := method == http.MethodDelete && response.StatusCode == http.StatusNotFound
	require.True(w, gone || response.StatusCode < http.StatusMultipleChoices, "%s %s: %d", method, to, response.StatusCode)
	if into != nil {
		require.NoError(w, json.NewDecoder(response.Body).Decode(into))
	}
}
