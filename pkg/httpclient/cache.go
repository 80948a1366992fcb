package httpclient

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	mostCached   = 16 << 20 // bytes in all
	mostPerEntry = 1 << 20  // bytes of one body
	mostHeaders  = 4 << 10  // bytes of one answer's headers: a tag is sent back, and has to fit
	entryCost    = 1 << 10  // bytes that an entry takes beside its body, about
)

// cache keeps bodies that have an ETag. It is private to one client and so to
// its token. Nothing is taken from it without asking: the callee answers 304 if
// the body is still right.
type cache struct {
	mu      sync.Mutex
	bytes   int
	entries *simplelru.LRU[cacheKey, *entry]
}

// cacheKey is what selects a representation: requests with other headers that
// might are not cached.
type cacheKey struct {
	origin                                *origin
	service, path, rawPath, query, accept string
}

// entry is an answer, never written to after it is kept.
type entry struct {
	etag   string
	header http.Header
	body   []byte
}

func (e *entry) cost() int { return len(e.body) + headerSize(e.header) + entryCost }

func newCache() *cache {
	c := &cache{}
	c.entries, _ = simplelru.NewLRU(mostCached/entryCost, func(_ cacheKey, e *entry) { c.bytes -= e.cost() })
	return c
}

func (c *cache) get(key cacheKey) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, _ := c.entries.Get(key)
	return e
}

func (c *cache) drop(key cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key)
}

func (c *cache) add(key cacheKey, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key) // an entry that is overwritten is not reported as evicted
	c.bytes += e.cost()
	c.entries.Add(key, e)
	for c.bytes > mostCached {
		c.entries.RemoveOldest()
	}
}

// lookUp decides whether the call may use the cache and what that has for it.
func (c *call) lookUp(p *pool) {
	if c.req.Method != http.MethodGet && c.req.Method != "" || hasBody(c.req) || selects(c.req.Header) {
		return
	}
	u := c.req.URL
	c.cacheable = true
	c.key = cacheKey{p.origin, c.service.name, u.Path, u.RawPath, u.RawQuery, c.req.Header.Get("Accept")}
	c.stored = c.cache.get(c.key)
}

// selects reports a header by which the callee might choose another answer than
// the key says, or one that is the caller's own handling of ETags.
func selects(header http.Header) bool {
	for name, values := range header {
		switch name {
		case "Accept":
			if len(values) > 1 {
				return true
			}
		case "Content-Type", "Referer", "Traceparent", "Tracestate", "User-Agent", "X-Request-Id":
		default:
			return true
		}
	}
	return false
}

// storable reports whether the answer may be kept once it was read.
func (c *call) storable(resp *http.Response) bool {
	return c.cacheable && resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "" && ends(resp) &&
		resp.ContentLength <= mostPerEntry && headerSize(resp.Header) <= mostHeaders &&
		!has(resp.Header, "Cache-Control", "no-store") && !has(resp.Header, "Vary", "*")
}

// headerSize is how many bytes of headers there are, about.
func headerSize(header http.Header) (n int) {
	for name, values := range header {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return n
}

// ends reports whether a body that breaks off can be told from a whole one: else
// half of it would be served for as long as the tag is right.
func ends(resp *http.Response) bool {
	return resp.ContentLength >= 0 || resp.Uncompressed || len(resp.TransferEncoding) > 0 || resp.ProtoMajor > 1
}

func has(header http.Header, name, word string) bool {
	for _, value := range header.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// store keeps a body that was read to its end.
func (c *call) store(resp *http.Response, body []byte) {
	if cap(body)-len(body) > len(body)/4 {
		body = bytes.Clone(body) // so that it takes what it costs
	}
	c.cache.add(c.key, &entry{etag: resp.Header.Get("ETag"), header: resp.Header.Clone(), body: body})
}

// response is the entry as the answer that a 304 stands for (RFC 9111 §4.3.4).
func (e *entry) response(notModified *http.Response) *http.Response {
	header := e.header.Clone()
	for name, values := range notModified.Header {
		switch name {
		case "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Transfer-Encoding":
		default:
			header[name] = values
		}
	}
	resp := *notModified
	resp.Status, resp.StatusCode = "200 OK", http.StatusOK
	resp.Header, resp.ContentLength = header, int64(len(e.body))
	resp.Body = io.NopCloser(bytes.NewReader(e.body))
	return &resp
}

// weak is the tag as it is compared here (RFC 9110 §8.8.3.2).
func weak(tag string) string { return strings.TrimPrefix(tag, "W/") }
