package httpclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tizza/tizza/pkg/requestid"
)

// outgoing is the request as an attempt sends it. The caller's own is left alone.
func (c *call) outgoing(ctx context.Context, to *target, n int, left time.Duration) (*http.Request, error) {
	out := c.req.WithContext(ctx)
	out.Response = nil
	out.URL = locate(to.url, c.req.URL)
	out.Host = to.url.Host
	if n > 1 && hasBody(c.req) {
		body, err := c.req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	out.Header = c.req.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if c.bearer != "" {
		out.Header.Set("Authorization", c.bearer)
	}
	if id := requestid.From(ctx); id != "" {
		out.Header.Set(requestid.Header, id)
	}
	out.Header.Set(TimeoutHeader, strconv.FormatInt(max(left.Milliseconds(), 1), 10))
	if c.stored != nil {
		out.Header.Set("If-None-Match", c.stored.etag)
	}
	return out, nil
}

// locate puts a service's URL where its target is, below the target's path.
func locate(target, logical *url.URL) *url.URL {
	u := *logical
	u.Scheme, u.Host, u.User = target.Scheme, target.Host, nil
	if target.Path != "" && target.Path != "/" {
		joined := target.JoinPath(logical.EscapedPath())
		u.Path, u.RawPath = joined.Path, joined.RawPath
	}
	return &u
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// repeatable reports whether the request's body can be had again.
func repeatable(req *http.Request) bool { return !hasBody(req) || req.GetBody != nil }
