package httpserver

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tizza/tizza/pkg/fault"
)

// timeoutHeader is for how many milliseconds more the caller waits for the answer.
const timeoutHeader = "X-Request-Timeout-Ms"

// patience is how long a request may take: as long as its caller waits, if that
// is said in a way that can be read, and never longer than requestTimeout.
func patience(r *http.Request) time.Duration {
	milliseconds, err := strconv.ParseUint(r.Header.Get(timeoutHeader), 10, 31)
	if err != nil || milliseconds == 0 {
		return requestTimeout
	}
	return min(time.Duration(milliseconds)*time.Millisecond, requestTimeout)
}

// inTime makes a failure that nobody classified, of a request whose time has run
// out, what it is: not every library says that this is why it gave up.
func inTime(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && fault.From(err).Kind == fault.Internal {
		return &fault.Error{Kind: fault.Timeout, Detail: "It took too long.", Cause: err}
	}
	return err
}
