package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheMetricsSayWhyACallFailed(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return dialError{&net.OpError{Op: "dial", Err: err}} }
	read := func(err error) error { return &net.OpError{Op: "read", Err: err} }
	for name, tc := range map[string]struct {
		err    error
		want   outcome
		unsent bool
	}{
		"the name is not known":           {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), dns, true},
		"looking the name up took long":   {dial(&net.DNSError{Err: "timeout", IsTimeout: true}), dns, true},
		"nobody listens":                  {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), refused, true},
		"there is no way there":           {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), unreachable, true},
		"nobody answers to a connection":  {dial(os.ErrDeadlineExceeded), unreachable, true},
		"the address is not allowed":      {dial(errors.New("link-local")), unreachable, true},
		"the certificate is a stranger's": {&tls.CertificateVerificationError{Err: errors.New("x509")}, unreachable, false},
		"it does not speak TLS":           {tls.RecordHeaderError{Msg: "first record does not look like TLS"}, unreachable, false},
		"it was reset":                    {read(os.NewSyscallError("read", syscall.ECONNRESET)), reset, false},
		"it was closed":                   {fmt.Errorf("read: %w", io.EOF), reset, false},
		"it broke off":                    {io.ErrUnexpectedEOF, reset, false},
		"an idle connection was closed":   {errors.New("http: server closed idle connection"), reset, false},
		"no answer came":                  {read(os.ErrDeadlineExceeded), timedOut, false},
		"the answer is no HTTP":           {errors.New(`malformed HTTP response "hello"`), rubbish, false},
		"the answer is too large":         {ErrTooLarge, tooLarge, false},
	} {
		f := classify(t.Context(), t.Context(), tc.err)
		assert.Equal(t, tc.want.String(), f.outcome.String(), name)
		assert.Equal(t, tc.unsent, f.unsent, name)
		assert.ErrorIs(t, f, tc.err, name)
	}

	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	left, leave := context.WithCancel(t.Context())
	leave()
	hung, end := context.WithCancelCause(t.Context())
	end(errHang)
	assert.Equal(t, timedOut, classify(late, late, context.DeadlineExceeded).outcome)
	assert.Equal(t, timedOut, classify(late, late, dial(os.ErrDeadlineExceeded)).outcome, "it is the call that has no time")
	assert.Equal(t, canceled, classify(left, left, context.Canceled).outcome)
	assert.Equal(t, timedOut, classify(t.Context(), hung, context.Canceled).outcome)
	assert.NotErrorIs(t, classify(t.Context(), hung, context.Canceled), context.Canceled, "the caller did not leave")
}
