package httpclient

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	maxAttempts  = 3
	firstBackoff = 50 * time.Millisecond
	// leastTime is what must be left for an attempt: with less, the answer that is
	// there says more than a time-out would.
	leastTime = 10 * time.Millisecond
	// fairShare of the client's timeout is what a target needs to be blamed for
	// not having answered.
	fairShare = 10
)

// maxRetryAfter bounds what another service may make our callers wait.
const maxRetryAfter = time.Hour

// again says whether a further attempt is safe and makes sense, why, and after
// which pause: somewhere up to a bound that doubles, so that callers that failed
// together do not come back together.
func (c *call) again(n int, a *answer, err error) (why outcome, wait time.Duration, again bool) {
	if n == maxAttempts || !repeatable(c.req) || c.ctx.Err() != nil {
		return 0, 0, false
	}
	wait = rand.N(firstBackoff << (n - 1))
	if err != nil {
		why, again = c.afterFailure(err)
	} else {
		why, wait, again = c.afterAnswer(a, wait)
	}
	deadline, _ := c.ctx.Deadline()
	return why, wait, again && time.Until(deadline) > wait+leastTime
}

func (c *call) afterFailure(err error) (outcome, bool) {
	f, is := errors.AsType[*failure](err)
	if !is {
		return 0, false
	}
	if f.unsent {
		return f.outcome, true
	}
	switch f.outcome {
	case reset, unreachable, timedOut:
		return f.outcome, c.idempotent
	}
	return 0, false
}

func (c *call) afterAnswer(a *answer, wait time.Duration) (outcome, time.Duration, bool) {
	if a.stale() {
		c.cache.drop(c.key)
		c.stored = nil
		return rubbish, 0, true
	}
	if !c.idempotent {
		return 0, 0, false
	}
	switch a.resp.StatusCode {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return a.outcome, wait, true
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
	default:
		return 0, 0, false
	}
	asked := retryAfter(a.resp.Header.Get("Retry-After"))
	if p := c.service.current.Load(); asked > 0 && !c.another(p, time.Now()) {
		return a.outcome, asked + rand.N(asked/4+1), true // never sooner than asked
	}
	return a.outcome, wait, asked > 0 || a.resp.StatusCode == http.StatusServiceUnavailable
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 if it is neither.
func retryAfter(value string) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	return 0
}
