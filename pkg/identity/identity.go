// Package identity finds out who calls: a service or an operator by a bearer
// token, a person by a sealed session cookie, anyone otherwise.
//
// A wrong token is refused with 401: whoever shows one means to be somebody. A
// cookie that does not open (expired, tampered with, sealed with a key that is
// gone) makes the caller anyone, as browsers send old cookies for years. If
// both come, the token counts and the cookie is not looked at.
//
// Sessions open without a call to the service that made them: the cookie holds
// the session, sealed with a key that all services share. One that ends before
// its cookie does is revoked, in every process by itself: see Revoke.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tizza/tizza/pkg/setting"
)

// Config is how callers are told apart.
type Config struct {
	// ClientTokens is JSON: client name to password, to a list of passwords, or
	// to {"passwords": [...], "scopes": [...]}.
	ClientTokens setting.Secret `env:"CLIENT_TOKENS"`
	// SessionKeys is "id:base64(32 bytes),id2:…". The first seals, all open.
	SessionKeys setting.Secret `env:"SESSION_KEYS"`
	// Cookie is the session cookie's name.
	Cookie string `env:"SESSION_COOKIE" envDefault:"pizza-auth"`
	// Env is the environment; outside development cookies are Secure.
	Env string `env:"APP_ENV" envDefault:"development" override:"never"`
}

// Validate names every setting that is wrong, and never its value.
func (c Config) Validate() error {
	_, err := New(c, "")
	return err
}

// Check is a last look at a session that opened, such as whether it was ended
// in the meantime. An error makes the caller anyone if it is fault.Unauthenticated;
// any other error (the database is down) ends the request with it.
type Check func(ctx context.Context, s Session) error

// Authenticator finds out who calls one service. It is safe for concurrent use.
type Authenticator struct {
	// Check, if set before the first request, is asked about every session.
	Check Check

	service string
	cookie  string
	secure  bool
	tokens  tokens
	keys    keys
	revoked revocations
	now     func() time.Time
}

// New reads the tokens and keys; its error names every setting that is wrong.
// service is the name that scopes begin with.
func New(cfg Config, service string) (*Authenticator, error) {
	tokens, err1 := parseTokens(cfg.ClientTokens)
	keys, err2 := parseKeys(cfg.SessionKeys)
	var err3 error
	cookie := cfg.Cookie
	if cookie == "" {
		cookie = DefaultCookie
	}
	if (&http.Cookie{Name: cookie, Value: "x"}).Valid() != nil { //nolint:gosec // never sent, only asked whether its name is one
		err3 = fmt.Errorf("SESSION_COOKIE: not a cookie's name")
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return &Authenticator{
		service: service,
		cookie:  cookie,
		secure:  cfg.Env != "" && cfg.Env != "development",
		tokens:  tokens,
		keys:    keys,
		now:     time.Now,
	}, nil
}
