package httpclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// answer is what a target answered to an attempt. As the body that the caller
// gets it stops at the bound, keeps a copy for the cache, and ends the call when
// it was read or closed, at the latest at the call's deadline.
type answer struct {
	*place
	call    *call
	ctx     context.Context // the attempt's
	resp    *http.Response
	body    io.ReadCloser
	fair    bool // the target had time enough
	outcome outcome
	left    int64 // bytes that may still come
	copy    *bytes.Buffer
	settled atomic.Bool
	stop    func() bool
}

// admit refuses an answer that says that it is too large.
func (a *answer) admit() error {
	if a.resp.ContentLength > a.call.maxBody && a.call.req.Method != http.MethodHead {
		_ = a.resp.Body.Close()
		return ErrTooLarge
	}
	return nil
}

// heard remembers how long the target took, and whether it wants to be left
// alone. A failure counts as slow: else an instance that fails fast would draw
// every call.
func (a *answer) heard(took time.Duration) {
	now := time.Now()
	if v := judge(a.outcome, a.resp.StatusCode, a.fair); v == bad {
		took = max(took, failurePenalty)
	}
	a.latency.observe(took, now)
	if a.outcome == unavailable {
		if wait := retryAfter(a.resp.Header.Get("Retry-After")); wait > 0 {
			a.rest(wait, now)
		}
	}
}

// failed ends an attempt without an answer.
func (a *answer) failed(o outcome, took time.Duration) {
	v := judge(o, 0, a.fair)
	if v == bad {
		took = max(took, failurePenalty)
	}
	a.latency.atLeast(took, time.Now()) // also when its caller left: it was not faster than that
	a.leave(v)
}

// discard ends an attempt whose answer nobody gets.
func (a *answer) discard() {
	if a == nil {
		return
	}
	a.leave(judge(a.outcome, a.resp.StatusCode, a.fair))
	go drain(a.resp.Body) // ends with the call, if not before
}

// deliver gives the answer to the caller.
func (a *answer) deliver() *http.Response {
	c, resp := a.call, a.resp
	kept := resp.StatusCode == http.StatusNotModified && c.stored != nil && !a.stale()
	c.countCache(resp, kept)
	if kept || resp.ContentLength == 0 || c.req.Method == http.MethodHead || resp.StatusCode == http.StatusNotModified ||
		resp.StatusCode == http.StatusNoContent {
		_ = resp.Body.Close()
		resp.Body = http.NoBody
		if kept {
			resp = c.stored.response(resp)
		}
		a.settle(a.outcome)
		return resp
	}
	a.body, a.left = resp.Body, c.maxBody
	if c.storable(resp) {
		a.copy = bytes.NewBuffer(make([]byte, 0, max(resp.ContentLength, 0)))
	}
	resp.Body = a
	a.stop = context.AfterFunc(c.ctx, func() { a.finish(classify(c.ctx, a.ctx, c.ctx.Err()).outcome) })
	return resp
}

// unasked reports a 304 that nobody asked for, or for something else.
func (a *answer) unasked() bool {
	asked := a.call.req.Header.Get("If-None-Match") != "" || a.call.req.Header.Get("If-Modified-Since") != ""
	return a.resp.StatusCode == http.StatusNotModified && !asked && a.call.stored == nil || a.stale()
}

// stale reports a 304 for another tag than the one that is kept.
func (a *answer) stale() bool {
	if a.resp.StatusCode != http.StatusNotModified || a.call.stored == nil {
		return false
	}
	tag := a.resp.Header.Get("ETag")
	return tag != "" && weak(tag) != weak(a.call.stored.etag)
}

// Read fails where io.LimitReader would end as if all had been there.
func (a *answer) Read(p []byte) (int, error) {
	if a.left < 0 {
		return 0, fail(tooLarge, ErrTooLarge)
	}
	if int64(len(p)) > a.left+1 {
		p = p[:a.left+1] // one more than allowed shows that there is more
	}
	n, err := a.body.Read(p)
	a.left -= int64(n)
	if a.left < 0 {
		a.settle(tooLarge)
		return n - 1, fail(tooLarge, ErrTooLarge)
	}
	a.keep(p[:n])
	switch err {
	case nil:
		return n, nil
	case io.EOF: // nothing that wraps it is the end
		if a.copy != nil {
			a.call.store(a.resp, a.copy.Bytes())
		}
		a.settle(a.outcome)
		return n, io.EOF
	}
	f := failureOf(a.ctx, a.call.ctx, err)
	a.settle(f.outcome)
	return n, f
}

func (a *answer) keep(p []byte) {
	if a.copy == nil {
		return
	}
	if a.copy.Len()+len(p) > mostPerEntry {
		a.copy = nil
		return
	}
	a.copy.Write(p)
}

// Close ends the call, read to the end or not.
func (a *answer) Close() error {
	err := a.body.Close()
	a.settle(a.outcome)
	return err
}

func (a *answer) settle(o outcome) {
	if a.stop != nil {
		a.stop()
	}
	a.finish(o)
}

// finish ends the attempt and the call, once.
func (a *answer) finish(o outcome) {
	if !a.settled.CompareAndSwap(false, true) {
		return
	}
	if v := judge(o, a.resp.StatusCode, a.fair); o != a.outcome && v == bad {
		a.latency.observe(failurePenalty, time.Now())
	}
	a.leave(judge(o, a.resp.StatusCode, a.fair))
	a.call.end(o)
}

// failureOf is err with its outcome.
func failureOf(attempt, ctx context.Context, err error) *failure {
	if f, is := errors.AsType[*failure](err); is {
		return f
	}
	return classify(ctx, attempt, err)
}

func outcomeOf(err error) outcome {
	if f, is := errors.AsType[*failure](err); is {
		return f.outcome
	}
	return rubbish
}
