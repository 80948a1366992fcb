package system

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// etcdctl is the operator's.
func etcdctl(t *testing.T, arguments ...string) {
	t.Helper()
	// Not the test's context: it also runs while the test cleans up.
	command := exec.CommandContext(context.Background(), filepath.Join(running.Dir(), "bin", "etcdctl"), arguments...)
	command.Env = []string{"ETCDCTL_ENDPOINTS=" + setting["ETCD_ENDPOINTS"]}
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// otherPizza is a second pizza service, which knows every pizza and counts who asks.
func otherPizza(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/livez" {
			_ = json.NewEncoder(w).Encode(map[string]string{"service": "pizza", "version": "other"})
			return
		}
		asked.Add(1)
		id, _ := strconv.ParseInt(path.Base(r.URL.Path), 10, 64)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": id, "title": "Elsewhere", "description": "", "image_url": "", "creator": nil,
			"created_at": time.Now(), "updated_at": time.Now(),
		})
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestAnEditInEtcdMovesTheNextCall(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	ann, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	const missing = 4_000_000_000 // no pizza has this id, but the other service knows them all
	var refusal error
	likes := func() bool { refusal = ann.Like(ctx, missing); return refusal == nil }
	require.False(t, likes())
	address, asked := otherPizza(t)

	etcdctl(t, "put", "tizza/development/pizza/url", address)
	t.Cleanup(func() { etcdctl(t, "del", "tizza/development/pizza/url") })
	edited := time.Now()
	assert.True(t, within(t, patience, likes), "the like's check went to the other pizza service: %v", refusal)
	t.Logf("there after %s", time.Since(edited).Round(time.Millisecond))
	assert.NotZero(t, asked.Load())

	etcdctl(t, "del", "tizza/development/pizza/url")
	edited = time.Now()
	back := within(t, patience, func() bool {
		before := asked.Load()
		_ = ann.Like(ctx, missing+1)
		return asked.Load() == before
	})
	assert.True(t, back, "and back after the key was deleted")
	t.Logf("back after %s", time.Since(edited).Round(time.Millisecond))
	assert.ErrorContains(t, ann.Like(ctx, missing+2), "400", "here nobody knows such a pizza")
}

// within reports whether ok became true before the bound.
func within(t *testing.T, bound time.Duration, ok func() bool) bool {
	t.Helper()
	deadline, look := time.After(bound), time.NewTicker(20*time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-deadline:
			return ok()
		case <-look.C:
		}
	}
	return true
}
