package httpclient

import (
	"context"
	"io"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/fault"
)

func TestEveryOutcomeHasItsFault(t *testing.T) {
	t.Parallel()
	for o, want := range map[outcome]fault.Kind{
		timedOut: fault.Timeout, rubbish: fault.BadGateway, tooLarge: fault.BadGateway,
		refused: fault.KindUnavailable, dns: fault.KindUnavailable, reset: fault.KindUnavailable, unreachable: fault.KindUnavailable,
		circuitOpen: fault.KindUnavailable, limited: fault.KindUnavailable, noAddress: fault.KindUnavailable,
	} {
		err := &url.Error{Op: "Get", URL: "http://pizza/", Err: fail(o, syscall.ECONNRESET)}
		got := fault.From(Fault("pizza", nil, err))
		assert.Equal(t, want, got.Kind, "%s", o)
		assert.Equal(t, o == timedOut, err.Timeout(), "%s", o)
		if want == fault.KindUnavailable {
			assert.Equal(t, time.Second, got.RetryAfter, "%s", o)
		}
	}
	open := &failure{outcome: circuitOpen, retryAfter: 7 * time.Second, err: ErrCircuitOpen}
	assert.Equal(t, 7*time.Second, fault.From(Fault("pizza", nil, open)).RetryAfter)
	assert.ErrorIs(t, Fault("pizza", nil, fail(canceled, context.Canceled)), context.Canceled)
	assert.False(t, fault.Is(Fault("pizza", nil, fail(canceled, context.Canceled)), fault.KindUnavailable))
	assert.True(t, fault.Is(Fault("pizza", nil, fail(reset, io.ErrUnexpectedEOF)), fault.BadGateway), "an answer that broke off")
	for o := range outcomes {
		assert.NotEmpty(t, o.String())
	}
}
