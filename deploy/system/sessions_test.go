package system

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

func TestASessionThatEndsHasEndedOnEveryService(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	for name, path := range map[string]string{
		"by logging out":            "/sessions/current",
		"by logging out everywhere": "/users/{id}/sessions",
		"by being forgotten":        "/users/{id}",
	} {
		t.Run(name, func(t *testing.T) {
			ann, err := tizza.SignUp(ctx, newName())
			require.NoError(t, err)
			// Without a body: refused for what it lacks, while it matters who asks.
			asked := []string{tizza.Pizza("/pizzas"), tizza.Likes("/likes"), tizza.Events("/events")}
			for _, url := range asked {
				assert.Equal(t, http.StatusBadRequest, status(ctx, t, ann, http.MethodPost, url), "%s knows the cookie", url)
			}

			ended := status(ctx, t, ann, http.MethodDelete, tizza.Auth(strings.Replace(path, "{id}", ann.ID, 1)))

			require.Equal(t, 2, ended/100, "status %d", ended)
			began := time.Now()
			assert.Equal(t, http.StatusUnauthorized, status(ctx, t, ann, http.MethodGet, tizza.Auth("/sessions/current")))
			for _, url := range asked {
				assert.True(t, within(t, patience, func() bool {
					return status(ctx, t, ann, http.MethodPost, url) == http.StatusUnauthorized
				}), "%s refuses the cookie", url)
			}
			t.Logf("ended everywhere after %s", time.Since(began).Round(time.Millisecond))
		})
	}
}

func status(ctx context.Context, t *testing.T, as visitor.Caller, method, url string) int {
	t.Helper()
	answer, err := tizza.Call(ctx, as, method, url, nil)
	require.NoError(t, err)
	return answer.Status
}
