package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	boom := errors.New("password=hunter2")

	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"an error nobody classified is internal":  {boom, fault.Internal},
		"a fault is found below other errors":     {fmt.Errorf("add like: %w", fault.New(fault.Conflict, "Already liked.")), fault.Conflict},
		"a deadline that passed is a timeout":     {fmt.Errorf("query: %w", context.DeadlineExceeded), fault.Timeout},
		"a cancelled call is no timeout":          {context.Canceled, fault.Internal},
		"a fault wins over the deadline it wraps": {fault.Unavailable("Down.", context.DeadlineExceeded), fault.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := fault.From(tc.err)
			require.NotNil(t, got)
			assert.Equal(t, tc.want, got.Kind)
			assert.NotContains(t, got.Detail, "hunter2", "the detail is shown to callers")
		})
	}
	assert.Nil(t, fault.From(nil), "no error stays no error")
}

func TestError(t *testing.T) {
	t.Parallel()

	t.Run("the text for the log has the fields and the cause", func(t *testing.T) {
		t.Parallel()
		err := fault.Invalid(fault.Field{Field: "title", Detail: "is required"})
		err.Cause = errors.New("boom")
		assert.Equal(t, "invalid: Some fields are not valid. [title: is required]: boom", err.Error())
	})
	t.Run("the cause can be looked for", func(t *testing.T) {
		t.Parallel()
		cause := errors.New("boom")
		assert.ErrorIs(t, fault.Unavailable("Down.", cause), cause)
	})
	t.Run("what is down says when to come back", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, time.Second, fault.Unavailable("Down.", nil).RetryAfter)
	})
	t.Run("what is missing says so in the contract's words", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "Not found.", fault.NotFound().Detail)
	})
}

func TestIs(t *testing.T) {
	t.Parallel()
	assert.True(t, fault.Is(fmt.Errorf("x: %w", fault.NotFound()), fault.KindNotFound))
	assert.False(t, fault.Is(fault.NotFound(), fault.Gone))
	assert.False(t, fault.Is(errors.New("x"), fault.Internal), "not classified is not internal")
	assert.False(t, fault.Is(nil, fault.Internal))
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for kind := fault.Internal; kind <= fault.Timeout; kind++ {
		assert.NotEmpty(t, kind.String())
		assert.False(t, seen[kind.String()], "%s names two kinds", kind)
		seen[kind.String()] = true
	}
	assert.Equal(t, "internal", fault.Kind(99).String())
	assert.Equal(t, "timeout", fault.Timeout.String())
}
