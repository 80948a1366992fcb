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
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store") // it is somebody's although anyone may ask for it
	located(c, "/sessions/current")
	return c.JSON(http.StatusCreated, sessionBody(session))
}

// GetCurrentSession serves GET /sessions/current.
func (a *API) GetCurrentSession(c echo.Context) error {
	session, err := a.users.Current(c.Request().Context(), httpserver.Caller(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, sessionBody(session))
}

// DeleteCurrentSession serves DELETE /sessions/current.
func (a *API) DeleteCurrentSession(c echo.Context) error {
	if err := a.users.LogOut(c.Request().Context(), httpserver.Caller(c)); err != nil {
		return err
	}
	c.SetCookie(a.cookies.Expire())
	return c.NoContent(http.StatusNoContent)
}

func sessionBody(s user.Session) gen.Session {
	return gen.Session{User: s.User, Staff: s.Staff, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
}
