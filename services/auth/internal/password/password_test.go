package password

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func match(t *testing.T, h *Hasher, hash, password string) bool {
	t.Helper()
	matches, err := h.Match(t.Context(), hash, password)
	require.NoError(t, err)
	return matches
}

func TestAHashIsItsPasswordsOnly(t *testing.T) {
	t.Parallel()
	h := NewHasher(2)
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	assert.True(t, match(t, h, hash, "correct horse"))
	assert.False(t, match(t, h, hash, "correct horsf"))
	assert.False(t, match(t, h, hash, ""))
}

func TestAHashNamesItsParametersAndHasItsOwnSalt(t *testing.T) {
	t.Parallel()
	h := NewHasher(2)
	first, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	second, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$"), first)
	assert.NotEqual(t, first, second)
}

// The vector is one of the reference implementation's own tests.
func TestAHashWithOtherParametersStillWorks(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	assert.True(t, match(t, NewHasher(1), hash, "password"))
}

func TestTheEmptyHashIsNobodysAndIsHashedAllTheSame(t *testing.T) {
	t.Parallel()
	h := NewHasher(1)
	assert.False(t, match(t, h, "", ""))
	h.turns <- struct{}{} // somebody else has the only turn
	h.patience = time.Millisecond
	_, err := h.Match(t.Context(), "", "whatever")
	assert.True(t, fault.Is(err, fault.KindUnavailable), "it waits for a turn like any other: %v", err)
}

func TestWhoWaitsTooLongForATurnIsToldToComeBack(t *testing.T) {
	t.Parallel()
	h := NewHasher(2)
	h.turns <- struct{}{}
	_, err := h.Hash(t.Context(), "one turn is left")
	require.NoError(t, err)
	h.turns <- struct{}{}
	h.patience = 10 * time.Millisecond
	_, err = h.Hash(t.Context(), "none is left")
	require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	assert.Equal(t, 2*time.Second, fault.From(err).RetryAfter)
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	h := NewHasher(1)
	h.turns <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Hash(ctx, "whatever")
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAHashThatIsNoneIsAnErrorThatDoesNotShowIt(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{
		"x", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
		"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
		"$argon2id$v=19$m=256,t=99,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=256,t=2,p=1$!$nf65EOgLrQMR/uIPnA4rEg",
	} {
		_, err := NewHasher(1).Match(t.Context(), hash, "password")
		require.ErrorIs(t, err, errHash, hash)
		assert.NotContains(t, err.Error(), "$")
	}
}
