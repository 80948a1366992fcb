package httpclient_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
)

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size int
		send func(w http.ResponseWriter, body string)
		ok   bool
	}{
		"one of the greatest size is read":  {100, func(w http.ResponseWriter, b string) { _, _ = io.WriteString(w, b) }, true},
		"one that says it is larger is not": {101, func(w http.ResponseWriter, b string) { _, _ = io.WriteString(w, b) }, false},
		"one that turns out to be larger is cut off": {101, func(w http.ResponseWriter, b string) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, b)
		}, false},
		"one that inflates to more is cut off": {101, func(w http.ResponseWriter, b string) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, b)
			_ = z.Close()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Repeat("x", tc.size)
			c, _ := client(t, httpclient.Options{MaxBody: 100}, server(t, func(w http.ResponseWriter, _ *http.Request) { tc.send(w, body) }))
			status, got, err := do(t, c, "GET", "http://pizza/")
			assert.Equal(t, strings.HasPrefix(name, "one that says"), status == 0, "nothing is read if the length says it")
			if tc.ok {
				require.NoError(t, err)
				assert.Equal(t, body, got)
				return
			}
			require.ErrorIs(t, err, httpclient.ErrTooLarge)
			assert.LessOrEqual(t, len(got), 100)
			assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.BadGateway))
			outcomeIs(t, c, "too_large", 1)
			assert.Zero(t, metric(t, c, "http_client_in_flight"))
		})
	}
}

// say answers whatever is asked with the bytes, and closes.
func say(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, answer)
	}
}

// flood answers with the beginning, and then the rest again and again.
func flood(beginning, rest string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, err := io.WriteString(conn, beginning)
		for err == nil {
			_, err = io.WriteString(conn, rest)
		}
	}
}

// drip answers with the beginning and then byte by byte, for ever.
func drip(beginning string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, beginning)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
}

func TestACalleeThatMisbehaves(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	zeros := strings.Repeat("0", 1<<16)
	for name, tc := range map[string]struct {
		serve   func(net.Conn)
		kind    fault.Kind
		outcome string
	}{
		"what is not HTTP":                  {say("SSH-2.0-OpenSSH_9.2\r\n"), fault.BadGateway, "rubbish"},
		"a status that is none":             {say("HTTP/1.1 abc\r\n\r\n"), fault.BadGateway, "rubbish"},
		"a header that is none":             {say(head + "no colon here\r\n\r\n"), fault.BadGateway, "rubbish"},
		"a length that is none":             {say(head + "Content-Length: many\r\n\r\n"), fault.BadGateway, "rubbish"},
		"a coding that nobody knows":        {say(head + "Transfer-Encoding: pizza\r\n\r\n"), fault.BadGateway, "rubbish"},
		"what is called gzip and is not":    {say(head + "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + zeros[:20]), fault.BadGateway, "rubbish"},
		"chunks that are none":              {say(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nyy\r\n"), fault.BadGateway, "rubbish"},
		"half of what was announced":        {say(head + "Content-Length: 100\r\n\r\nhalf"), fault.BadGateway, "reset"},
		"nothing at all":                    {say(""), fault.KindUnavailable, "reset"},
		"10 GB, announced":                  {flood(head+"Content-Length: 10000000000\r\n\r\n", zeros), fault.BadGateway, "too_large"},
		"10 GB, not announced":              {flood(head+"\r\n", zeros), fault.BadGateway, "too_large"},
		"headers without end":               {flood(head, "X-More: "+zeros+"\r\n"), fault.BadGateway, "rubbish"},
		"one header without end":            {flood(head+"X-More: ", zeros), fault.BadGateway, "rubbish"},
		"answers that say wait, for ever":   {flood("", "HTTP/1.1 103 Early Hints\r\nLink: <"+zeros[:1024]+">\r\n\r\n"), fault.BadGateway, "rubbish"},
		"a body, byte by byte":              {drip(head + "\r\n"), fault.Timeout, "timeout"},
		"headers, byte by byte":             {drip(head), fault.Timeout, "timeout"},
		"a connection that takes and hangs": {drip(""), fault.Timeout, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := client(t, httpclient.Options{Config: timeout(2 * time.Second), MaxBody: 1 << 20}, raw(t, tc.serve))
			r.put(t, "likes", server(t, fine))

			_, body, err := do(t, c, "POST", "http://pizza/")

			require.Error(t, err)
			assert.Equal(t, tc.kind, fault.From(httpclient.Fault("pizza", nil, err)).Kind, "%v", err)
			assert.LessOrEqual(t, len(body), 1<<20)
			outcomeIs(t, c, tc.outcome, 1)
			eventually(t, "its place is free", func() bool { return metric(t, c, "http_client_in_flight") == 0 })
			_, other, err := do(t, c, "GET", "http://likes/")
			require.NoError(t, err)
			assert.Equal(t, "fine", other)
		})
	}
}

// Not parallel: it looks at the process's memory.
func TestFloodsTakeNoMemory(t *testing.T) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	_, _ = z.Write(make([]byte, 32<<20))
	require.NoError(t, z.Close())
	zeros := strings.Repeat("0", 1<<16)
	const head = "HTTP/1.1 200 OK\r\n"
	for name, address := range map[string]string{
		"a body without end":     raw(t, flood(head+"\r\n", zeros)),
		"headers without end":    raw(t, flood(head, "X-More: "+zeros+"\r\n")),
		"a little that inflates": raw(t, say(head+"Content-Encoding: gzip\r\n\r\n"+bomb.String())),
	} {
		c, _ := client(t, httpclient.Options{MaxBody: 1 << 20, Config: timeout(patience)}, address)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, body, err := do(t, c, "POST", "http://pizza/")
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		assert.LessOrEqual(t, len(body), 1<<20, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(24<<20), name+": bytes taken, all in all")
	}
}
