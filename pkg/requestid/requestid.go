// Package requestid carries the id that one request keeps on its way through
// the services, in header X-Request-Id and in the context.
package requestid

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// Header is where it travels.
const Header = "X-Request-Id"

const (
	maxLength = 64
	alphabet  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
)

type contextKey struct{}

// From is the id of the request that ctx belongs to, "" outside of one.
func From(ctx context.Context) string {
	id, _ := ctx.Value(contextKey{}).(string)
	return id
}

// NewContext carries id.
func NewContext(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// Middleware takes the caller's id if it is one that may stand in a log line
// (64 letters, digits, -, _ and . at most), else makes one, and answers with it.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(Header)
		if id == "" || len(id) > maxLength || strings.Trim(id, alphabet) != "" {
			id = uuid.NewString()
		}
		w.Header().Set(Header, id)
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), id)))
	})
}
