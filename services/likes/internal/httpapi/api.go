// Package httpapi serves likes over HTTP, as openapi.yaml says.
package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/likes/internal/httpapi/gen"
	"github.com/tizza/tizza/services/likes/internal/like"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// API implements the operations of openapi.yaml.
type API struct {
	likes    *like.Service
	pageSize int
}

// Register puts the operations on the server.
func Register(server *httpserver.Server, likes *like.Service, pageSize int) {
	gen.RegisterHandlersWithBaseURL(server.Echo, &API{likes: likes, pageSize: pageSize}, httpserver.Base)
}

// ListLikes serves GET /likes.
func (a *API) ListLikes(c echo.Context, params gen.ListLikesParams) error {
	p, err := page.Parse(c.Request(), a.pageSize)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	likes, count, err := a.likes.List(ctx, httpserver.Caller(c), like.Filter{User: params.User, Pizza: params.Pizza}, p.Limit, p.Offset)
	if err != nil {
		return err
	}
	results, err := a.render(c, likes, params.Expand != nil)
	if err != nil {
		return err
	}
	return httpserver.List(c, page.New(c.Request(), p, count, results))
}

// CreateLike serves POST /likes.
func (a *API) CreateLike(c echo.Context) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	l, err := a.likes.Create(c.Request().Context(), httpserver.Caller(c), draft)
	if err != nil {
		return err
	}
	return created(c, l)
}

// CountLikes serves GET /likes/counts.
func (a *API) CountLikes(c echo.Context, params gen.CountLikesParams) error {
	counts, err := a.likes.Counts(c.Request().Context(), params.Pizza)
	if err != nil {
		return err
	}
	body := gen.Counts{Results: make([]gen.Count, len(params.Pizza))}
	for i, pizza := range params.Pizza {
		body.Results[i] = gen.Count{Pizza: pizza, Count: counts[pizza]}
	}
	return c.JSON(http.StatusOK, body)
}

// GetLike serves GET /likes/{id}.
func (a *API) GetLike(c echo.Context, id gen.Id, params gen.GetLikeParams) error {
	l, err := a.likes.Get(c.Request().Context(), httpserver.Caller(c), id)
	if err != nil {
		return err
	}
	results, err := a.render(c, []like.Like{l}, params.Expand != nil)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, results[0])
}

// PutLike serves PUT /likes/{id}.
func (a *API) PutLike(c echo.Context, id gen.Id) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	l, isNew, err := a.likes.Put(c.Request().Context(), httpserver.Caller(c), id, draft)
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, l)
	}
	return c.JSON(http.StatusOK, body(l))
}

// PatchLike serves PATCH /likes/{id}.
func (a *API) PatchLike(c echo.Context, id gen.Id) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	l, err := a.likes.Change(c.Request().Context(), httpserver.Caller(c), id, draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, body(l))
}

// DeleteLike serves DELETE /likes/{id}.
func (a *API) DeleteLike(c echo.Context, id gen.Id) error {
	if err := a.likes.Remove(c.Request().Context(), httpserver.Caller(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decode reads a draft: a whole like and a patch have the same fields, and openapi.yaml says which are required.
func decode(c echo.Context) (like.Draft, error) {
	var in gen.LikePatch
	if err := httpserver.Decode(c, &in); err != nil {
		return like.Draft{}, err
	}
	return like.Draft{User: in.User, Pizza: in.Pizza}, nil
}

func created(c echo.Context, l like.Like) error {
	c.Response().Header().Set(echo.HeaderLocation, fmt.Sprintf("%s/likes/%d", httpserver.Base, l.ID))
	return c.JSON(http.StatusCreated, body(l))
}

func body(l like.Like) gen.Like {
	return gen.Like{Id: l.ID, User: l.User, Pizza: new(any(l.Pizza)), CreatedAt: l.CreatedAt}
}

// render writes likes, if asked with their pizzas in place of the ids; a pizza that is gone is null.
func (a *API) render(c echo.Context, likes []like.Like, expand bool) ([]gen.Like, error) {
	results := make([]gen.Like, len(likes))
	for i, l := range likes {
		results[i] = body(l)
	}
	if !expand {
		return results, nil
	}
	pizzas, err := a.likes.Expand(c.Request().Context(), likes)
	if err != nil {
		return nil, err
	}
	for i, l := range likes {
		results[i].Pizza = nil
		if p, exists := pizzas[l.Pizza]; exists {
			results[i].Pizza = new(any(p))
		}
	}
	return results, nil
}
