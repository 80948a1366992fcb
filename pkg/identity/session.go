package identity

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/tizza/tizza/pkg/setting"
)

// DefaultCookie is the session cookie's name if none is set.
const DefaultCookie = "pizza-auth"

// Session is what the cookie says.
type Session struct {
	ID      uuid.UUID
	User    uuid.UUID
	Staff   bool
	Expires time.Time // to the second
}

// ErrSession says that a cookie is not a session of ours that still runs. It
// does not say why: the answer is the same whatever was tried.
var ErrSession = errors.New("not a valid session")

// keys seals with the first and opens with all, so that keys rotate without
// logging anyone out: put the new one first, drop the old one after SESSION_TTL.
type keys struct {
	first string
	byID  map[string]cipher.AEAD
}

// parseKeys reads "id:base64,id2:base64". Errors name positions, not values.
func parseKeys(s setting.Secret) (keys, error) {
	k := keys{byID: map[string]cipher.AEAD{}}
	if s.Reveal() == "" {
		return k, errors.New("SESSION_KEYS: is not set")
	}
	for i, entry := range strings.Split(s.Reveal(), ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(entry), ":")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !found || id == "" || strings.Trim(id, keyIDAlphabet) != "" || len(id) > 32:
			return k, fmt.Errorf("SESSION_KEYS: key %d: want id:base64, the id of letters, digits, - and _ (at most 32)", i+1)
		case err != nil || len(raw) != chacha20poly1305.KeySize:
			return k, fmt.Errorf("SESSION_KEYS: key %d: want base64 of %d bytes", i+1, chacha20poly1305.KeySize)
		case k.byID[id] != nil:
			return k, fmt.Errorf("SESSION_KEYS: key %d: its id is there twice", i+1)
		}
		aead, err := chacha20poly1305.NewX(raw)
		if err != nil {
			return k, fmt.Errorf("SESSION_KEYS: key %d: cannot be used", i+1)
		}
		k.byID[id] = aead
		if i == 0 {
			k.first = id
		}
	}
	return k, nil
}

const keyIDAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// The sealed bytes: version, session, user, flags, expiry (Unix seconds).
const (
	sessionVersion = 1
	sessionSize    = 1 + 16 + 16 + 1 + 8
	flagStaff      = 1
)

// Seal is the cookie that carries the session: "<key id>.<nonce and box>". The
// cookie's name and the key's id are bound in, so a box opens nowhere else.
func (a *Authenticator) Seal(s Session) (*http.Cookie, error) {
	if s.User == uuid.Nil || s.ID == uuid.Nil {
		return nil, errors.New("seal session: no user or no id")
	}
	plain := make([]byte, 0, sessionSize)
	plain = append(plain, sessionVersion)
	plain = append(plain, s.ID[:]...)
	plain = append(plain, s.User[:]...)
	var flags byte
	if s.Staff {
		flags |= flagStaff
	}
	plain = append(plain, flags)
	plain = binary.BigEndian.AppendUint64(plain, uint64(s.Expires.Unix())) //nolint:gosec // after 1970

	aead := a.keys.byID[a.keys.first]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+sessionSize+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal session: %w", err)
	}
	box := aead.Seal(nonce, nonce, plain, a.bound(a.keys.first))

	cookie := a.blank()
	cookie.Value = a.keys.first + "." + base64.RawURLEncoding.EncodeToString(box)
	cookie.Expires = s.Expires.UTC()
	cookie.MaxAge = max(int(s.Expires.Sub(a.now()).Seconds()), 1)
	return cookie, nil
}

// Open is the session that a cookie's value carries, or ErrSession.
func (a *Authenticator) Open(value string) (Session, error) {
	id, encoded, _ := strings.Cut(value, ".")
	aead := a.keys.byID[id]
	if aead == nil || len(encoded) > 256 {
		return Session{}, ErrSession
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(box) < aead.NonceSize() {
		return Session{}, ErrSession
	}
	nonce, sealed := box[:aead.NonceSize()], box[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, a.bound(id))
	if err != nil || len(plain) != sessionSize || plain[0] != sessionVersion {
		return Session{}, ErrSession
	}
	s := Session{
		ID:      uuid.UUID(plain[1:17]),
		User:    uuid.UUID(plain[17:33]),
		Staff:   plain[33]&flagStaff != 0,
		Expires: time.Unix(int64(binary.BigEndian.Uint64(plain[34:])), 0).UTC(), //nolint:gosec // as sealed
	}
	if !a.now().Before(s.Expires) {
		return Session{}, ErrSession
	}
	return s, nil
}

// Expire is the cookie that makes a browser forget its session.
func (a *Authenticator) Expire() *http.Cookie {
	cookie := a.blank()
	cookie.MaxAge = -1
	cookie.Expires = time.Unix(1, 0).UTC()
	return cookie
}

// blank is the cookie without a value. A name with the __Host- prefix is only
// taken by browsers with Secure, whatever the environment.
func (a *Authenticator) blank() *http.Cookie {
	prefixed := strings.HasPrefix(a.cookie, "__Host-") || strings.HasPrefix(a.cookie, "__Secure-")
	return &http.Cookie{
		Name: a.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: a.secure || prefixed,
	}
}

func (a *Authenticator) bound(keyID string) []byte { return []byte(a.cookie + "\x00" + keyID) }
