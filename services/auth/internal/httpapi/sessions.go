package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/services/auth/internal/httpapi/gen"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// CreateSession serves POST /sessions.
func (a *API) CreateSession(c echo.Context) error {
	var in gen.Credentials
	if err := httpserver.Decode(c, &in); err != nil {
		return err
	}
	session, err := a.users.LogIn(c.Request().Context(), in.Username, in.Password)
	if err != nil {
		return err
	}
	cookie, err := a.cookies.Seal(identity.Session{
		ID: session.ID, User: session.User, Staff: session.Staff, Expires: session.ExpiresAt,
	})
	if err != nil {
		return err
	}
	c.SetCookie(cookie)
	return httpserver.Created(c, "/sessions/current", session.Version(), sessionBody(session))
}

// GetCurrentSession serves GET /sessions/current.
func (a *API) GetCurrentSession(c echo.Context, _ gen.GetCurrentSessionParams) error {
	session, err := a.users.Current(c.Request().Context(), httpserver.Caller(c))
	if err != nil {
		return err
	}
	return httpserver.Read(c,
		func() (int64, error) { return session.Version(), nil },
		func() (int64, any, error) { return session.Version(), sessionBody(session), nil })
}

// DeleteCurrentSession serves DELETE /sessions/current.
func (a *API) DeleteCurrentSession(c echo.Context, _ gen.DeleteCurrentSessionParams) error {
	if err := a.users.LogOut(c.Request().Context(), httpserver.Caller(c), httpserver.Condition(c)); err != nil {
		return err
	}
	c.SetCookie(a.cookies.Expire())
	return c.NoContent(http.StatusNoContent)
}

func sessionBody(s user.Session) gen.Session {
	return gen.Session{User: s.User, Staff: s.Staff, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
}
