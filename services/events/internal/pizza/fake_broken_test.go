package pizza_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// complaints is a test whose errors are looked at.
type complaints struct {
	testing.TB
	mu   sync.Mutex
	text []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, fmt.Sprintf(format, args...))
}

// spoiled is the service with one thing wrong in all its answers.
func spoiled(service http.Handler, spoil func(*httptest.ResponseRecorder)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		spoil(answer)
		for name := range answer.Header() {
			w.Header().Set(name, answer.Header().Get(name))
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// rewriting replaces a text in the bodies.
func rewriting(old, replacement string) func(*httptest.ResponseRecorder) {
	return func(answer *httptest.ResponseRecorder) {
		body := strings.ReplaceAll(answer.Body.String(), old, replacement)
		answer.Body.Reset()
		answer.Body.WriteString(body)
	}
}

func TestAFakeThatBreaksTheDocumentIsSeen(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*httptest.ResponseRecorder){
		"a property of another name": rewriting(`"title"`, `"name"`),
		"an id that is no number":    rewriting(`"id":1`, `"id":"1"`),
		"a time that is none":        rewriting(`"created_at":"2`, `"created_at":"in 2`),
		"a list without its count":   rewriting(`"count"`, `"total"`),
		"a status of its own":        func(a *httptest.ResponseRecorder) { a.Code = http.StatusAccepted },
		"another media type":         func(a *httptest.ResponseRecorder) { a.Header().Set("Content-Type", "text/json") },
		"an answer without a tag":    func(a *httptest.ResponseRecorder) { a.Header().Del("ETag") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &complaints{TB: t}
			service := newKitchen()
			order := httptest.NewRequest(http.MethodPost, "/api/v1/pizzas", strings.NewReader(`{"title":"Funghi"}`))
			service.ServeHTTP(httptest.NewRecorder(), order)
			w := fake(t, seen, spoiled(service, spoil))
			_, _ = w.Exists(t.Context(), 1)
			_, _ = w.Find(t.Context(), []int64{1})
			assert.NotEmpty(t, seen.text)
		})
	}
}
