// Package password hashes passwords with argon2id and bounds what that costs.
//
// A hash is a PHC string with its own parameters ($argon2id$v=19$m=19456,t=2,p=1$salt$key), so that stronger ones can
// be introduced later and old hashes still work. Each hashing takes 19 MiB: no more than a fixed number run at once.
// Whoever comes then waits, and is turned away after two seconds: a flood of logins costs answers, not the memory.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/tizza/tizza/pkg/fault"
)

// The cost, from OWASP's Password Storage Cheat Sheet.
const (
	memory    = 19456 // KiB
	passes    = 2
	lanes     = 1
	saltBytes = 16
	keyBytes  = 32
)

const (
	patience   = 10 * time.Second // for a turn: well below the 20 s that a request has
	retryAfter = 2 * time.Second
)

// Hasher implements user.Passwords.
type Hasher struct {
	turns    chan struct{}
	patience time.Duration
	nobodys  phc
}

// NewHasher makes a hasher of which at most concurrency hashings run at once.
func NewHasher(concurrency int) *Hasher {
	return &Hasher{
		turns:    make(chan struct{}, max(concurrency, 1)),
		patience: patience,
		nobodys:  phc{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)},
	}
}

// Hash implements user.Passwords.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := phc{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	if _, err := rand.Read(p.salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	key, err := h.derive(ctx, p, password)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Match implements user.Passwords. The empty hash, which is nobody's, costs what a real one costs.
func (h *Hasher) Match(ctx context.Context, hash, password string) (bool, error) {
	p, known := h.nobodys, hash != ""
	if known {
		var err error
		if p, err = parse(hash); err != nil {
			return false, err
		}
	}
	key, err := h.derive(ctx, p, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && known, nil
}

// derive waits for its turn and hashes.
func (h *Hasher) derive(ctx context.Context, p phc, password string) ([]byte, error) {
	waited := time.NewTimer(h.patience)
	defer waited.Stop()
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	case <-waited.C:
		return nil, &fault.Error{Kind: fault.KindUnavailable, Detail: "Too many passwords are being checked.", RetryAfter: retryAfter}
	}
	defer func() { <-h.turns }()
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key))), nil //nolint:gosec // parse bounds it
}

// phc is a hash taken apart.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.key))
}

// errHash does not say more: the hash would be in it.
var errHash = errors.New("a stored password hash cannot be read")

// parse refuses parameters that no hash of ours has, as they would cost what nobody has bounded.
func parse(hash string) (phc, error) {
	parts := strings.Split(hash, "$") // "", argon2id, v=19, m=…,t=…,p=…, salt, key
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errHash
	}
	var p phc
	_, err1 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes)
	var err2, err3 error
	p.salt, err2 = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, err3 = base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(err1, err2, err3) != nil || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 ||
		p.memory < 8 || p.memory > 1<<18 || p.passes < 1 || p.passes > 16 || p.lanes < 1 {
		return phc{}, errHash
	}
	return p, nil
}
