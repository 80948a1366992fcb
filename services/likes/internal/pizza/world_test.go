package pizza_test

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

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/openapitest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/likes/internal/pizza"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const document = "../../../pizza/openapi.yaml"

// world is a pizza service, and what a test prepares there.
type world struct {
	*testing.T
	address *url.URL
	token   setting.Secret
	http    *http.Client
	*pizza.Client
}

// worlds are the pizza services that the suite runs against: one in memory that is held against the document, and the
// real one that TEST_PIZZA_URL (no path) and TEST_SERVICE_TOKEN (client:password, all scopes) tell of.
func worlds() map[string]func(*testing.T) *world {
	all := map[string]func(*testing.T) *world{
		"fake": func(t *testing.T) *world { return fake(t, t, newKitchen()) },
	}
	if address := os.Getenv("TEST_PIZZA_URL"); address != "" {
		all["real"] = func(t *testing.T) *world { return open(t, address, setting.Secret(os.Getenv("TEST_SERVICE_TOKEN"))) }
	}
	return all
}

// fake is a world of that service, whose complaints about what does not fit the document go to blame.
func fake(t *testing.T, blame testing.TB, service http.Handler) *world {
	t.Helper()
	server := httptest.NewServer(openapitest.Handler(blame, document, service))
	t.Cleanup(server.Close)
	return open(t, server.URL, "likes-service:secret")
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

func client(t *testing.T, o httpclient.Options) *pizza.Client {
	t.Helper()
	caller := httpclient.New(o)
	t.Cleanup(caller.CloseIdleConnections)
	c, err := pizza.NewClient(caller)
	require.NoError(t, err)
	return c
}

// make a pizza of these properties, which goes when the test has ended.
func (w *world) make(properties map[string]any) (id int64) {
	w.Helper()
	var made struct{ ID int64 }
	w.send(w.Context(), http.MethodPost, "", properties, &made)
	w.Cleanup(func() { w.drop(made.ID) })
	return made.ID
}

func (w *world) rename(id int64, title string) {
	w.Helper()
	w.send(w.Context(), http.MethodPatch, fmt.Sprintf("/%d", id), map[string]any{"title": title}, nil)
}

// drop deletes a pizza; one that is gone may be.
func (w *world) drop(id int64) {
	w.Helper()
	w.send(context.WithoutCancel(w.Context()), http.MethodDelete, fmt.Sprintf("/%d", id), nil, nil)
}

func (w *world) send(ctx context.Context, method, path string, body, into any) {
	w.Helper()
	data, err := json.Marshal(body)
	require.NoError(w, err)
	if body == nil {
		data = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, w.address.JoinPath("/api/v1/pizzas"+path).String(), bytes.NewReader(data))
	require.NoError(w, err)
	request.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(w.token.Reveal())))
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := w.http.Do(request)
	require.NoError(w, err)
	defer response.Body.Close()
	gone := method == http.MethodDelete && response.StatusCode == http.StatusNotFound
	require.True(w, gone || response.StatusCode < http.StatusMultipleChoices, "%s %s: %d", method, path, response.StatusCode)
	if into != nil {
		require.NoError(w, json.NewDecoder(response.Body).Decode(into))
	}
}
