package httpclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tizza/tizza/pkg/requestid"
	"github.com/tizza/tizza/pkg/setting"
)

// The pause before the second attempt is somewhere in here, so that callers
// that failed together do not come back together.
const (
	minPause = 50 * time.Millisecond
	maxPause = 150 * time.Millisecond
)

// ErrTooLarge says that an answer has more bytes than are read.
var ErrTooLarge = errors.New("the answer is too large")

type transport struct {
	base     *http.Transport
	traced   http.RoundTripper // base with a span around each attempt
	resolver Resolver
	bearer   string
	maxBody  int64
}

func bearer(token setting.Secret) string {
	if token.Reveal() == "" {
		return ""
	}
	return "Bearer " + base64.StdEncoding.EncodeToString([]byte(token.Reveal()))
}

// RoundTrip makes one attempt, or two where a second is safe and makes sense.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.attempt(req)
	if !again(req, resp, err) || pause(req.Context()) != nil {
		return resp, err
	}
	if resp != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
		_ = resp.Body.Close()
	}
	return t.attempt(req)
}

func (t *transport) attempt(req *http.Request) (*http.Response, error) {
	target, err := t.resolver.Resolve(req.URL.Host)
	if err != nil {
		closeBody(req)
		return nil, fmt.Errorf("resolve %s: %w", req.URL.Host, err)
	}
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = target.Scheme, target.Host
	if target.Path != "" && target.Path != "/" {
		joined := target.JoinPath(req.URL.EscapedPath())
		out.URL.Path, out.URL.RawPath = joined.Path, joined.RawPath
	}
	out.Host = target.Host
	if t.bearer != "" {
		out.Header.Set("Authorization", t.bearer)
	}
	if id := requestid.From(req.Context()); id != "" {
		out.Header.Set(requestid.Header, id)
	}
	resp, err := t.traced.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	return t.bound(resp)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// again says whether a second attempt is safe and makes sense. An answer with
// Retry-After asks for more patience than a call has: it goes to the caller.
func again(req *http.Request, resp *http.Response, err error) bool {
	if req.Method != http.MethodGet && req.Method != http.MethodHead || req.Body != nil && req.Body != http.NoBody {
		return false
	}
	if err != nil {
		return !errors.Is(err, ErrTooLarge)
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return resp.Header.Get("Retry-After") == ""
	}
	return false
}

// pause waits a little, or fails at once if the deadline would pass meanwhile.
func pause(ctx context.Context) error {
	wait := minPause + rand.N(maxPause-minPause)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// bound refuses an answer that says it is too large, and cuts off one that
// turns out to be.
func (t *transport) bound(resp *http.Response) (*http.Response, error) {
	if resp.ContentLength > t.maxBody && resp.Request.Method != http.MethodHead {
		_ = resp.Body.Close()
		return nil, ErrTooLarge
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.maxBody}
	return resp, nil
}

// boundedBody fails where io.LimitReader would end as if all had been there.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed shows that there is more
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
