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
	p, err := page.Parse(c.Request(), a.pageSize)
	if err != nil {
		return err
	}
	users, count, err := a.users.List(c.Request().Context(), httpserver.Caller(c), p.Limit, p.Offset)
	if err != nil {
		return err
	}
	results := make([]gen.User, len(users))
	for i, u := range users {
		results[i] = userBody(u)
	}
	return httpserver.List(c, page.New(c.Request(), p, count, results))
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
func (a *API) GetUser(c echo.Context, id gen.Uuid) error {
	u, err := a.users.Get(c.Request().Context(), httpserver.Caller(c), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, userBody(u))
}

// PutUser serves PUT /users/{uuid}.
func (a *API) PutUser(c echo.Context, id gen.Uuid) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	u, isNew, err := a.users.Put(c.Request().Context(), httpserver.Caller(c), id, draft)
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, u)
	}
	return c.JSON(http.StatusOK, userBody(u))
}

// PatchUser serves PATCH /users/{uuid}.
func (a *API) PatchUser(c echo.Context, id gen.Uuid) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	u, err := a.users.Change(c.Request().Context(), httpserver.Caller(c), id, draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, userBody(u))
}

// DeleteUser serves DELETE /users/{uuid}.
func (a *API) DeleteUser(c echo.Context, id gen.Uuid) error {
	caller := httpserver.Caller(c)
	e, err := a.erasures.Request(c.Request().Context(), caller, id)
	if err != nil {
		return err
	}
	if caller.Is(id) {
		c.SetCookie(a.cookies.Expire())
	}
	located(c, "/erasures/"+e.ID)
	return c.JSON(http.StatusAccepted, a.erasureBody(e))
}

// DeleteUserSessions serves DELETE /users/{uuid}/sessions.
func (a *API) DeleteUserSessions(c echo.Context, id gen.Uuid) error {
	caller := httpserver.Caller(c)
	if err := a.users.LogOutEverywhere(c.Request().Context(), caller, id); err != nil {
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
	return user.Draft{Username: in.Username, Email: in.Email, Password: in.Password, Staff: in.Staff}, nil
}

func created(c echo.Context, u user.User) error {
	located(c, "/users/"+u.ID.String())
	return c.JSON(http.StatusCreated, userBody(u))
}

func userBody(u user.User) gen.User {
	return gen.User{Id: u.ID, Username: u.Username, Email: u.Email, Staff: u.Staff, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt}
}
