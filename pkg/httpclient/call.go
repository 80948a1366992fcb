package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// call is one request of a caller, with all its attempts.
type call struct {
	*transport
	service    *service
	req        *http.Request
	ctx        context.Context // ends at the call's deadline
	cancel     context.CancelFunc
	start      time.Time
	idempotent bool
	tried      [maxAttempts]*target
	key        cacheKey
	stored     *entry // what the cache has
	cacheable  bool
}

// end counts the call. It is called once.
func (c *call) end(o outcome) {
	c.service.metrics.outcomes[o].Inc()
	c.service.metrics.seconds.Observe(time.Since(c.start).Seconds())
	c.cancel()
}

// run makes attempts until one gives what the caller should have.
func (c *call) run() (*http.Response, error) {
	c.service.budget.call(c.start)
	for n := 1; ; n++ {
		a, err := c.attempt(n)
		why, wait, again := c.again(n, a, err)
		if !again {
			if err != nil {
				return nil, err
			}
			return a.deliver(), nil
		}
		if !c.free(err) && !c.service.budget.retry(time.Now(), c.config.RetryBudget.Get()) {
			c.service.metrics.retriesRefused.Inc()
			if err != nil {
				return nil, err
			}
			return a.deliver(), nil
		}
		c.metrics.retries.WithLabelValues(c.service.name, why.String()).Inc()
		a.discard()
		if err := pause(c.ctx, wait); err != nil {
			return nil, classify(c.ctx, c.ctx, err)
		}
	}
}

// free reports whether a further attempt takes nothing from the budget: what was
// never sent and goes to another target is no more for anybody to bear.
func (c *call) free(err error) bool {
	f, is := errors.AsType[*failure](err)
	p := c.service.current.Load()
	return is && f.unsent && p != nil && c.another(p, time.Now())
}

// attempt asks one target.
func (c *call) attempt(n int) (*answer, error) {
	p, err := c.pool(c.service)
	if err == nil {
		var place *place
		if place, err = c.take(c.ctx, p); err == nil {
			return c.ask(n, p, place)
		}
	}
	if n == 1 && c.req.Body != nil {
		_ = c.req.Body.Close()
	}
	return nil, err
}

func (c *call) ask(n int, p *pool, at *place) (*answer, error) {
	began := time.Now()
	c.tried[n-1] = at.target
	deadline, _ := c.ctx.Deadline()
	left := deadline.Sub(began)
	fair := left >= min(c.config.Timeout.Get()/fairShare, defaultTimeout/fairShare)
	ctx, arrived := c.ctx, func() bool { return true }
	if c.idempotent && n < maxAttempts && c.another(p, began) {
		left /= 2 // so that a target that hangs leaves time for another one
		ctx, arrived = hurry(ctx, left)
	}
	ctx = once(ctx)
	c.lookUp(p)
	out, err := c.outgoing(ctx, at.target, n, left)
	if err != nil {
		at.leave(excluded)
		return nil, fail(rubbish, err)
	}
	resp, err := at.traced.RoundTrip(out) //nolint:bodyclose // the answer closes it
	if !arrived() && err == nil {         // just too late: its body can not be read any more
		_ = resp.Body.Close()
		resp, err = nil, errHang
	}
	took := time.Since(began)
	a := &answer{call: c, place: at, ctx: ctx, resp: resp, fair: fair}
	if err == nil {
		err = a.admit()
	}
	if err != nil {
		f := failureOf(ctx, c.ctx, err)
		a.failed(f.outcome, took)
		return nil, f
	}
	if a.outcome = answered(c.service.name, resp); a.unasked() {
		a.outcome = rubbish
	}
	a.heard(took)
	return a, nil
}

// hurry bounds how long a target may take to begin its answer. The function says
// whether it was in time.
func hurry(ctx context.Context, left time.Duration) (context.Context, func() bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(left, func() { cancel(errHang) })
	return ctx, timer.Stop
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// drain reads what is left of an answer nobody wants, so that its connection
// can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
