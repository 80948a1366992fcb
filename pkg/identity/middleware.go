package identity

import (
	"context"
	"net/http"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/problem"
)

// Middleware finds the caller of every request and puts it into the context.
// It refuses a wrong token (401) and a token whose scopes do not cover the
// request (403): "<service>:read" for GET and HEAD, "<service>:write" for the
// rest. OPTIONS asks only what could be asked, and needs neither.
func (a *Authenticator) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := a.Authenticate(r)
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), caller)))
	})
}

// Authenticate is the caller behind a request: see Middleware.
func (a *Authenticator) Authenticate(r *http.Request) (Caller, error) {
	if headers, given := r.Header["Authorization"]; given {
		if len(headers) != 1 {
			return Caller{}, fault.New(fault.Unauthenticated, detailHeader)
		}
		caller, err := a.tokens.bearer(headers[0])
		if err != nil {
			return Caller{}, err
		}
		if r.Method != http.MethodOptions && !caller.Allows(a.scope(r.Method)) {
			return Caller{}, fault.New(fault.Forbidden, detailScope)
		}
		return caller, nil
	}
	return a.person(r.Context(), r.CookiesNamed(a.cookie))
}

// person is who the first cookie that opens belongs to: a browser may send an
// old one of a parent domain beside ours.
func (a *Authenticator) person(ctx context.Context, cookies []*http.Cookie) (Caller, error) {
	for _, cookie := range cookies {
		s, err := a.Open(cookie.Value)
		if err != nil || a.revoked.has(s.ID) {
			continue
		}
		if a.Check != nil {
			if err := a.Check(ctx, s); fault.Is(err, fault.Unauthenticated) {
				continue
			} else if err != nil {
				return Caller{}, err
			}
		}
		return Caller{User: s.User, Staff: s.Staff, Session: s.ID}, nil
	}
	return Caller{}, nil
}

func (a *Authenticator) scope(method string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return a.service + ":read"
	}
	return a.service + ":write"
}
