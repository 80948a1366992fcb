package likes_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

func crowd(size int) []uuid.UUID {
	people := make([]uuid.UUID, size)
	for i := range people {
		people[i] = uuid.New()
	}
	return people
}

func TestPeopleAreAskedAboutAFewAtATime(t *testing.T) {
	t.Parallel()
	const fanOut, size = 3, 40
	var now, most, calls atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		asked := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); asked > seen && !most.CompareAndSwap(seen, asked); seen = most.Load() {
		}
		<-release
		reads(page)(w, r)
	}))
	t.Cleanup(server.Close)
	open := sync.OnceFunc(func() { close(release) })
	t.Cleanup(open)
	target, err := url.Parse(server.URL)
	require.NoError(t, err)
	c := client(t, httpclient.Options{Resolver: at{target}, Config: httpclient.Config{
		FanOut: setting.NewLive(fanOut), Timeout: setting.NewLive(time.Minute),
	}})
	done := make(chan error, 1)
	people := crowd(size)
	go func() {
		liked, err := c.Of(t.Context(), people)
		assert.Len(t, liked, size)
		done <- err
	}()
	servertest.Eventually(t, time.Minute, "as many as may are asked about", func() bool { return now.Load() >= fanOut })
	open()
	require.NoError(t, <-done)
	assert.EqualValues(t, fanOut, most.Load())
	assert.EqualValues(t, size, calls.Load())
}

func TestNobodyIsAskedAboutInVain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	_, err := served(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		says(http.StatusInternalServerError, problemJSON, `{}`)(w, r)
	}).Of(t.Context(), crowd(200))
	require.True(t, fault.Is(err, fault.BadGateway), "%v", err)
	assert.Less(t, calls.Load(), int32(50), "one has failed, so the answer is that")
}
