package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/httpapi/gen"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// ListUsers serves GET /users.
func (a *API) ListUsers(c echo.Context, _ gen.ListUsersParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	users, err := a.users.List(c.Request().Context(), httpserver.Caller(c), window)
	if err != nil {
		return err
	}
	return httpserver.List(c, window, page.Map(users, userBody))
}

// CreateUser serves POST /users.
func (a *API) CreateUser(c echo.Context) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	u, err := a.users.SignUp(c.Request().Context(), httpserver.Caller(c), draft)
	if err != nil {
		return err
	}
	return created(c, u)
}

// GetUser serves GET /users/{uuid}.
func (a *API) GetUser(c echo.Context, id gen.Uuid, _ gen.GetUserParams) error {
	ctx, caller := c.Request().Context(), httpserver.Caller(c)
	return httpserver.Read(c,
		func() (int64, error) { return a.users.Version(ctx, caller, id) },
		func() (int64, any, error) {
			u, err := a.users.Get(ctx, caller, id)
			return u.Version, userBody(u), err
		})
}

// PutUser serves PUT /users/{uuid}.
func (a *API) PutUser(c echo.Context, id gen.Uuid, _ gen.PutUserParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	u, isNew, err := a.users.Put(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, u)
	}
	return httpserver.Wrote(c, u.Version, userBody(u))
}

// PatchUser serves PATCH /users/{uuid}.
func (a *API) PatchUser(c echo.Context, id gen.Uuid, _ gen.PatchUserParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	u, err := a.users.Change(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	if err != nil {
		return err
	}
	return httpserver.Wrote(c, u.Version, userBody(u))
}

// DeleteUser serves DELETE /users/{uuid}.
func (a *API) DeleteUser(c echo.Context, id gen.Uuid, _ gen.DeleteUserParams) error {
	caller := httpserver.Caller(c)
	e, err := a.erasures.Request(c.Request().Context(), caller, id, httpserver.Condition(c))
	if err != nil {
		return err
	}
	if caller.Is(id) {
		c.SetCookie(a.cookies.Expire())
	}
	return httpserver.Accepted(c, "/erasures/"+e.ID, a.erasureBody(e))
}

// DeleteUserSessions serves DELETE /users/{uuid}/sessions.
func (a *API) DeleteUserSessions(c echo.Context, id gen.Uuid, _ gen.DeleteUserSessionsParams) error {
	caller := httpserver.Caller(c)
	if err := a.users.LogOutEverywhere(c.Request().Context(), caller, id, httpserver.Condition(c)); err != nil {
		return err
	}
	if caller.Is(id) {
		c.SetCookie(a.cookies.Expire())
	}
	return c.NoContent(http.StatusNoContent)
}

// decode reads a draft: all bodies about a user have the same fields, and openapi.yaml says which are required.
func decode(c echo.Context) (user.Draft, error) {
	var in gen.UserPatch
	if err := httpserver.Decode(c, &in); err != nil {
		return user.Draft{}, err
	}
	draft := user.Draft{Username: in.Username, Email: in.Email}
	if password, err := in.Password.Get(); err == nil { // null is as good as none: it stays what it is
		draft.Password = &password
	}
	if in.Staff.IsSpecified() {
		staff, _ := in.Staff.Get() // null is false
		draft.Staff = &staff
	}
	return draft, nil
}

func created(c echo.Context, u user.User) error {
	return httpserver.Created(c, "/users/"+u.ID.String(), u.Version, userBody(u))
}

func userBody(u user.User) gen.User {
	return gen.User{Id: u.ID, Username: u.Username, Email: u.Email, Staff: u.Staff, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt}
}
