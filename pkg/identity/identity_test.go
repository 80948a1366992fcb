package identity_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/problem"
	"github.com/tizza/tizza/pkg/setting"
)

func key(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), 32)))
}

func config() identity.Config {
	return identity.Config{
		ClientTokens: `{
			"pizza-service": "one",
			"rotating": ["old", "new"],
			"reader": {"passwords": ["r"], "scopes": ["likes:read", "pizza:write"]},
			"colon": "a:b"
		}`,
		SessionKeys: setting.Secret(key("k1", 'a') + "," + key("k0", 'b')),
		Cookie:      "pizza-auth",
		Env:         "development",
	}
}

func authenticator(t *testing.T, cfg identity.Config) *identity.Authenticator {
	t.Helper()
	a, err := identity.New(cfg, "likes")
	require.NoError(t, err)
	return a
}

func session() identity.Session {
	return identity.Session{ID: uuid.New(), User: uuid.New(), Staff: true, Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
}

// call sends one request through Middleware and gives what came out.
func call(t *testing.T, a *identity.Authenticator, r *http.Request) (identity.Caller, *http.Response, problem.Problem) {
	t.Helper()
	var caller identity.Caller
	w := httptest.NewRecorder()
	a.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { caller = identity.FromContext(r.Context()) })).ServeHTTP(w, r)
	var p problem.Problem
	if w.Code != http.StatusOK {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	}
	return caller, w.Result(), p
}

func request(method, authorization string) *http.Request {
	r := httptest.NewRequest(method, "/api/v1/likes", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func bearer(token string) string { return "Bearer " + base64.StdEncoding.EncodeToString([]byte(token)) }

func TestServiceTokens(t *testing.T) {
	t.Parallel()
	a := authenticator(t, config())
	for name, tc := range map[string]struct {
		method, header string
		client         string
		status         int
		detail         string
	}{
		"a client with its password is known":            {"GET", bearer("pizza-service:one"), "pizza-service", 200, ""},
		"the scheme's case does not matter":              {"GET", strings.Replace(bearer("pizza-service:one"), "Bearer", "bEARER", 1), "pizza-service", 200, ""},
		"the old password still counts while rotating":   {"POST", bearer("rotating:old"), "rotating", 200, ""},
		"so does the new one":                            {"POST", bearer("rotating:new"), "rotating", 200, ""},
		"a password may have a colon":                    {"GET", bearer("colon:a:b"), "colon", 200, ""},
		"a wrong password is refused":                    {"GET", bearer("pizza-service:two"), "", 401, "Invalid authentication token"},
		"another client's password is refused":           {"GET", bearer("pizza-service:old"), "", 401, "Invalid authentication token"},
		"part of a password is refused":                  {"GET", bearer("pizza-service:on"), "", 401, "Invalid authentication token"},
		"an unknown client is refused in the same way":   {"GET", bearer("nobody:one"), "", 401, "Invalid authentication token"},
		"what is not base64 is no header":                {"GET", "Bearer !!!", "", 401, "Invalid authentication header"},
		"base64 without a colon is no header":            {"GET", bearer("pizza-service"), "", 401, "Invalid authentication header"},
		"no password is no header":                       {"GET", bearer("pizza-service:"), "", 401, "Invalid authentication header"},
		"no client is no header":                         {"GET", bearer(":one"), "", 401, "Invalid authentication header"},
		"another scheme is no header":                    {"GET", strings.Replace(bearer("pizza-service:one"), "Bearer", "Basic", 1), "", 401, "Invalid authentication header"},
		"a scheme alone is no header":                    {"GET", "Bearer", "", 401, "Invalid authentication header"},
		"a scope to read allows GET":                     {"GET", bearer("reader:r"), "reader", 200, ""},
		"a scope to read allows HEAD":                    {"HEAD", bearer("reader:r"), "reader", 200, ""},
		"a scope to read does not allow POST":            {"POST", bearer("reader:r"), "", 403, "This token does not allow that."},
		"a scope to write elsewhere allows nothing here": {"DELETE", bearer("reader:r"), "", 403, "This token does not allow that."},
		"OPTIONS needs no scope":                         {"OPTIONS", bearer("reader:r"), "reader", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller, resp, p := call(t, a, request(tc.method, tc.header))
			assert.Equal(t, tc.status, resp.StatusCode)
			assert.Equal(t, tc.client, caller.Client)
			assert.Equal(t, tc.detail, p.Detail)
			assert.Equal(t, tc.client != "", caller.Service())
			if tc.status == 401 {
				assert.NotEmpty(t, resp.Header.Get("WWW-Authenticate"))
			}
		})
	}

	t.Run("an empty header is no header", func(t *testing.T) {
		t.Parallel()
		r := request("GET", "")
		r.Header["Authorization"] = []string{""}
		_, resp, p := call(t, a, r)
		assert.Equal(t, 401, resp.StatusCode)
		assert.Equal(t, "Invalid authentication header", p.Detail)
	})
	t.Run("two headers are none", func(t *testing.T) {
		t.Parallel()
		r := request("GET", bearer("pizza-service:one"))
		r.Header.Add("Authorization", bearer("rotating:new"))
		_, resp, _ := call(t, a, r)
		assert.Equal(t, 401, resp.StatusCode)
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	a := authenticator(t, config())

	t.Run("what is sealed opens again", func(t *testing.T) {
		t.Parallel()
		s := session()
		cookie, err := a.Seal(s)
		require.NoError(t, err)
		got, err := a.Open(cookie.Value)
		require.NoError(t, err)
		assert.Equal(t, s, got)
		assert.True(t, strings.HasPrefix(cookie.Value, "k1."), "the first key seals")
		assert.NotContains(t, cookie.Value, s.User.String())
	})
	t.Run("the cookie is kept from scripts and other sites", func(t *testing.T) {
		t.Parallel()
		cookie, err := a.Seal(session())
		require.NoError(t, err)
		assert.True(t, cookie.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
		assert.Equal(t, "/", cookie.Path)
		assert.Empty(t, cookie.Domain)
		assert.False(t, cookie.Secure, "development runs without TLS")
		assert.InDelta(t, 3600, cookie.MaxAge, 2)
	})
	t.Run("outside of development it needs TLS", func(t *testing.T) {
		t.Parallel()
		cfg := config()
		cfg.Env = "production"
		cookie, err := authenticator(t, cfg).Seal(session())
		require.NoError(t, err)
		assert.True(t, cookie.Secure)
		assert.True(t, authenticator(t, cfg).Expire().Secure)
	})
	t.Run("a session that is over does not open", func(t *testing.T) {
		t.Parallel()
		s := session()
		s.Expires = time.Now().Add(-time.Second)
		cookie, err := a.Seal(s)
		require.NoError(t, err)
		_, err = a.Open(cookie.Value)
		assert.ErrorIs(t, err, identity.ErrSession)
	})
	t.Run("a session without a person is not sealed", func(t *testing.T) {
		t.Parallel()
		_, err := a.Seal(identity.Session{ID: uuid.New(), Expires: time.Now().Add(time.Hour)})
		assert.Error(t, err)
	})
	t.Run("no byte of it can be changed", func(t *testing.T) {
		t.Parallel()
		cookie, err := a.Seal(session())
		require.NoError(t, err)
		for i := range cookie.Value {
			changed := []byte(cookie.Value)
			changed[i] ^= 1
			_, err := a.Open(string(changed))
			assert.ErrorIs(t, err, identity.ErrSession, "byte %d", i)
		}
		last := len(cookie.Value) - 1 // the four bits behind the last byte are not free either
		_, err = a.Open(cookie.Value[:last] + string(cookie.Value[last]+1))
		assert.ErrorIs(t, err, identity.ErrSession)
		_, err = a.Open(cookie.Value[:last])
		assert.ErrorIs(t, err, identity.ErrSession)
	})
	t.Run("one sealed for another cookie's name does not open", func(t *testing.T) {
		t.Parallel()
		cfg := config()
		cfg.Cookie = "other"
		cookie, err := authenticator(t, cfg).Seal(session())
		require.NoError(t, err)
		_, err = a.Open(cookie.Value)
		assert.ErrorIs(t, err, identity.ErrSession)
	})
	t.Run("one key's box does not open under another's id", func(t *testing.T) {
		t.Parallel()
		cfg := config()
		cfg.SessionKeys = setting.Secret(key("k9", 'a')) // the bytes of k1
		cookie, err := authenticator(t, cfg).Seal(session())
		require.NoError(t, err)
		_, err = a.Open("k1" + strings.TrimPrefix(cookie.Value, "k9"))
		assert.ErrorIs(t, err, identity.ErrSession)
	})
	t.Run("keys rotate without logging anyone out", func(t *testing.T) {
		t.Parallel()
		before, err := a.Seal(session())
		require.NoError(t, err)
		cfg := config()
		cfg.SessionKeys = setting.Secret(key("k2", 'c') + "," + key("k1", 'a'))
		rotated := authenticator(t, cfg)
		_, err = rotated.Open(before.Value)
		assert.NoError(t, err, "the old one still opens")
		after, err := rotated.Seal(session())
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(after.Value, "k2."))
		_, err = a.Open(after.Value)
		assert.ErrorIs(t, err, identity.ErrSession, "nobody else has the new key yet")
	})
	t.Run("expiring it is a cookie in the past", func(t *testing.T) {
		t.Parallel()
		cookie := a.Expire()
		assert.Equal(t, "pizza-auth", cookie.Name)
		assert.Empty(t, cookie.Value)
		assert.Negative(t, cookie.MaxAge)
		assert.Equal(t, "/", cookie.Path)
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	a := authenticator(t, config())
	s := session()
	cookie, err := a.Seal(s)
	require.NoError(t, err)

	t.Run("a cookie is the person it was made for", func(t *testing.T) {
		t.Parallel()
		r := request("POST", "")
		r.AddCookie(cookie)
		caller, resp, _ := call(t, a, r)
		assert.Equal(t, 200, resp.StatusCode)
		assert.True(t, caller.Is(s.User))
		assert.True(t, caller.Staff)
		assert.Equal(t, s.ID, caller.Session)
		assert.False(t, caller.Service())
	})
	t.Run("a session that was revoked is anyone's, the person's others are not", func(t *testing.T) {
		t.Parallel()
		one, other := session(), session()
		other.User = one.User
		a.Revoke(one.ID, one.Expires)
		for _, s := range []identity.Session{one, other} {
			sealed, err := a.Seal(s)
			require.NoError(t, err)
			r := request("GET", "")
			r.AddCookie(sealed)
			caller, _, _ := call(t, a, r)
			assert.Equal(t, s.ID == other.ID, caller.Person())
		}
	})
	t.Run("nothing is anyone", func(t *testing.T) {
		t.Parallel()
		caller, resp, _ := call(t, a, request("GET", ""))
		assert.Equal(t, 200, resp.StatusCode)
		assert.True(t, caller.Anonymous())
	})
	t.Run("a cookie that does not open is anyone", func(t *testing.T) {
		t.Parallel()
		r := request("GET", "")
		r.AddCookie(&http.Cookie{Name: "pizza-auth", Value: "k1.garbage"})
		caller, resp, _ := call(t, a, r)
		assert.Equal(t, 200, resp.StatusCode)
		assert.True(t, caller.Anonymous())
	})
	t.Run("an old cookie beside a good one does not hide it", func(t *testing.T) {
		t.Parallel()
		r := request("GET", "")
		r.AddCookie(&http.Cookie{Name: "pizza-auth", Value: "old"})
		r.AddCookie(cookie)
		caller, _, _ := call(t, a, r)
		assert.True(t, caller.Is(s.User))
	})
	t.Run("the token counts if both come", func(t *testing.T) {
		t.Parallel()
		r := request("GET", bearer("pizza-service:one"))
		r.AddCookie(cookie)
		caller, _, _ := call(t, a, r)
		assert.True(t, caller.Service())
		assert.False(t, caller.Person())
	})
	t.Run("a wrong token is not saved by a good cookie", func(t *testing.T) {
		t.Parallel()
		r := request("GET", bearer("pizza-service:two"))
		r.AddCookie(cookie)
		_, resp, _ := call(t, a, r)
		assert.Equal(t, 401, resp.StatusCode)
	})

	for name, tc := range map[string]struct {
		err       error
		status    int
		anonymous bool
	}{
		"a session that the check knows stays":            {nil, 200, false},
		"one that was ended makes the caller anyone":      {fault.New(fault.Unauthenticated, "ended"), 200, true},
		"a check that cannot be made is not passed over":  {fault.Unavailable("The database is down.", errors.New("x")), 503, true},
		"a check that fails in another way is not either": {errors.New("x"), 500, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checked := authenticator(t, config())
			checked.Check = func(_ context.Context, got identity.Session) error {
				assert.Equal(t, s, got)
				return tc.err
			}
			r := request("GET", "")
			r.AddCookie(cookie)
			caller, resp, _ := call(t, checked, r)
			assert.Equal(t, tc.status, resp.StatusCode)
			assert.Equal(t, tc.anonymous, caller.Anonymous())
		})
	}
}

func TestCallers(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	for name, tc := range map[string]struct {
		caller                            identity.Caller
		anonymous, person, service, admin bool
	}{
		"anyone":    {identity.Caller{}, true, false, false, false},
		"a person":  {identity.Caller{User: user}, false, true, false, false},
		"staff":     {identity.Caller{User: user, Staff: true}, false, true, false, true},
		"a service": {identity.Caller{Client: "likes-service"}, false, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.anonymous, tc.caller.Anonymous())
			assert.Equal(t, tc.person, tc.caller.Person())
			assert.Equal(t, tc.service, tc.caller.Service())
			assert.Equal(t, tc.admin, tc.caller.Admin())
			assert.Equal(t, tc.person, tc.caller.Is(user))
			assert.False(t, tc.caller.Is(uuid.Nil), "nobody is no one")
			assert.NotContains(t, tc.caller.Name(), user.String(), "names go to logs")
			err := identity.Require(tc.caller)
			assert.Equal(t, tc.anonymous, fault.Is(err, fault.Unauthenticated))
			if tc.anonymous {
				assert.Equal(t, "Missing authentication header", fault.From(err).Detail)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

func TestBadSettingsAreNamedAndNeverShown(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, tc := range map[string]struct {
		tokens, keys, cookie string
		want                 []string
	}{
		"nothing set":                    {"", "", "", []string{"CLIENT_TOKENS", "SESSION_KEYS"}},
		"all wrong at once":              {secret, secret, "a b", []string{"CLIENT_TOKENS", "SESSION_KEYS", "SESSION_COOKIE"}},
		"tokens as a list":               {`["hunter2"]`, "", "", []string{"CLIENT_TOKENS"}},
		"null for tokens":                {`null`, "", "", []string{"CLIENT_TOKENS"}},
		"two JSON values":                {`{"a":"hunter2"} {}`, "", "", []string{"CLIENT_TOKENS"}},
		"a number as a password":         {`{"hunter2": 1}`, "", "", []string{"CLIENT_TOKENS: client 1"}},
		"an empty password":              {`{"a": "hunter2", "b": ""}`, "", "", []string{"CLIENT_TOKENS: client 2"}},
		"no passwords":                   {`{"hunter2": []}`, "", "", []string{"CLIENT_TOKENS"}},
		"an unknown member":              {`{"a": {"passwords": ["hunter2"], "scope": ["likes:read"]}}`, "", "", []string{"CLIENT_TOKENS"}},
		"an unknown verb":                {`{"a": {"passwords": ["hunter2"], "scopes": ["likes:delete"]}}`, "", "", []string{"CLIENT_TOKENS"}},
		"scopes that list nothing":       {`{"a": {"passwords": ["hunter2"], "scopes": []}}`, "", "", []string{"CLIENT_TOKENS"}},
		"a name with a colon":            {`{"a:hunter2": "x"}`, "", "", []string{"CLIENT_TOKENS"}},
		"a key without an id":            {"", "aHVudGVyMg==", "", []string{"SESSION_KEYS: key 1"}},
		"a key that is too short":        {"", "k:aHVudGVyMg==", "", []string{"SESSION_KEYS: key 1", "32 bytes"}},
		"a second key that is no base64": {"", key("k1", 'a') + ",k2:hunter2", "", []string{"SESSION_KEYS: key 2"}},
		"an id that is there twice":      {"", key("k1", 'a') + "," + key("k1", 'b'), "", []string{"SESSION_KEYS: key 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			cfg.ClientTokens, cfg.SessionKeys, cfg.Cookie = setting.Secret(tc.tokens), setting.Secret(tc.keys), tc.cookie
			err := cfg.Validate()
			require.Error(t, err)
			for _, want := range tc.want {
				assert.Contains(t, err.Error(), want)
			}
			for _, hidden := range []string{secret, "aHVudGVyMg"} {
				assert.NotContains(t, err.Error(), hidden)
			}
		})
	}
	assert.NoError(t, config().Validate())
}

func FuzzAuthenticate(f *testing.F) {
	a, err := identity.New(config(), "likes")
	require.NoError(f, err)
	cookie, err := a.Seal(session())
	require.NoError(f, err)
	f.Add(bearer("nobody:one"), cookie.Value+"x")
	f.Add("Bearer", "k1.")
	f.Add("", "k1")
	f.Fuzz(func(t *testing.T, header, value string) {
		if caller, err := a.Authenticate(&http.Request{Method: "GET", Header: http.Header{"Authorization": {header}}}); err == nil {
			_, known := map[string]bool{"pizza-service": true, "rotating": true, "reader": true, "colon": true}[caller.Client]
			assert.True(t, known)
		} else {
			assert.True(t, fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden))
		}
		if s, err := a.Open(value); err == nil {
			assert.NotEqual(t, uuid.Nil, s.User)
		}
	})
}
