package httpserver_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw sends bytes and reads what comes back, without waiting for more than a moment.
func (f *fixture) raw(t *testing.T, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestNobodyWaitsForABodyThatIsRefusedAnyway(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"one that says it is too long":       {"PUT /api/v1/things/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n", 413},
		"one that waits to be asked for":     {"PATCH /api/v1/nothing HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n", 404},
		"one too long that waits to be, too": {"PUT /api/v1/things/1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n", 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.status, f.raw(t, tc.request).StatusCode)
		})
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	f := start(t)
	for host, status := range map[string]int{
		"pizza.example": 200, "pizza.example:8002": 200, "[::1]:8002": 200, "": 200,
		"[::1": 400, "%41": 400, "a/b": 400, "a@b": 400, ":80": 400,
	} {
		assert.Equal(t, status, f.raw(t, "GET /api/v1/things HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n").StatusCode, host)
	}
	t.Run("a page with other links has another tag", func(t *testing.T) {
		t.Parallel()
		one := f.raw(t, "GET /api/v1/things HTTP/1.1\r\nHost: one.example\r\n\r\n").Header.Get("ETag")
		assert.Equal(t, 304, f.raw(t, "GET /api/v1/things HTTP/1.1\r\nHost: one.example\r\nIf-None-Match: "+one+"\r\n\r\n").StatusCode)
		assert.Equal(t, 200, f.raw(t, "GET /api/v1/things HTTP/1.1\r\nHost: other.example\r\nIf-None-Match: "+one+"\r\n\r\n").StatusCode)
		assert.Equal(t, 200, f.raw(t, "GET /api/v1/things?limit=7 HTTP/1.1\r\nHost: one.example\r\nIf-None-Match: "+one+"\r\n\r\n").StatusCode)
	})
}

func TestPathsSayOneThing(t *testing.T) {
	t.Parallel()
	f := start(t)
	assert.Equal(t, 200, f.do(t, "GET", "/api/v1/things/100%31", "").StatusCode, "an escape that need not be")
	for _, method := range []string{"GET", "PUT", "POST", "OPTIONS", "DELETE"} {
		body := ""
		if method == "PUT" {
			body = `{"title":"a"}`
		}
		assert.Equal(t, 404, f.do(t, method, "/api/v1/things/1/x", body).StatusCode, method)
	}
}
