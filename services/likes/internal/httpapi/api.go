// Package httpapi serves likes over HTTP, as openapi.yaml says.
package httpapi

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/nullable"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/setting"
	likesv1 "github.com/tizza/tizza/proto/likes/v1"
	problemv1 "github.com/tizza/tizza/proto/problem/v1"
	"github.com/tizza/tizza/services/likes/internal/httpapi/gen"
	"github.com/tizza/tizza/services/likes/internal/like"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// API implements the operations of openapi.yaml.
type API struct {
	likes    *like.Service
	pageSize setting.Live[int]
}

// Register puts the operations on the server.
func Register(server *httpserver.Server, likes *like.Service, pageSize setting.Live[int]) {
	gen.RegisterHandlersWithBaseURL(server.Echo, &API{likes: likes, pageSize: pageSize}, httpserver.Base)
}

// Messages are the Protobuf messages of what openapi.yaml describes.
func Messages() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{likesv1.File_likes_v1_resources_proto, problemv1.File_problem_v1_problem_proto}
}

// ListLikes serves GET /likes.
func (a *API) ListLikes(c echo.Context, params gen.ListLikesParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	if params.Expand != nil {
		window.Known = nil // the likes' versions do not tell whether their pizzas have changed
	}
	filter := like.Filter{User: params.User, Pizza: params.Pizza}
	likes, err := a.likes.List(c.Request().Context(), httpserver.Caller(c), filter, window)
	if err != nil {
		return err
	}
	if params.Expand != nil {
		return a.listExpanded(c, window, likes)
	}
	return httpserver.List(c, window, page.Map(likes, body))
}

func (a *API) listExpanded(c echo.Context, window page.Window, likes page.Result[like.Like]) error {
	pizzas, err := a.likes.Expand(c.Request().Context(), likes.Items)
	if err != nil {
		return err
	}
	expanded := page.Map(likes, func(l like.Like) gen.ExpandedLike { return expand(l, pizzas) })
	expanded.Fingerprint = ""
	return httpserver.List(c, window, expanded)
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
	return httpserver.Content(c, body)
}

// GetLike serves GET /likes/{id}.
func (a *API) GetLike(c echo.Context, id gen.PathId, params gen.GetLikeParams) error {
	ctx, caller := c.Request().Context(), httpserver.Caller(c)
	if params.Expand == nil {
		return httpserver.Read(c,
			func() (int64, error) { return a.likes.Version(ctx, caller, id) },
			func() (int64, any, error) {
				l, err := a.likes.Get(ctx, caller, id)
				return l.Version, body(l), err
			})
	}
	l, err := a.likes.Get(ctx, caller, id)
	if err != nil {
		return err
	}
	pizzas, err := a.likes.Expand(ctx, []like.Like{l})
	if err != nil {
		return err
	}
	return httpserver.Content(c, expand(l, pizzas))
}

// PutLike serves PUT /likes/{id}.
func (a *API) PutLike(c echo.Context, id gen.PathId, _ gen.PutLikeParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	l, isNew, err := a.likes.Put(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, l)
	}
	return httpserver.Wrote(c, l.Version, body(l))
}

// PatchLike serves PATCH /likes/{id}.
func (a *API) PatchLike(c echo.Context, id gen.PathId, _ gen.PatchLikeParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	l, err := a.likes.Change(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	if err != nil {
		return err
	}
	return httpserver.Wrote(c, l.Version, body(l))
}

// DeleteLike serves DELETE /likes/{id}.
func (a *API) DeleteLike(c echo.Context, id gen.PathId, _ gen.DeleteLikeParams) error {
	if err := a.likes.Remove(c.Request().Context(), httpserver.Caller(c), id, httpserver.Condition(c)); err != nil {
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
	draft := like.Draft{Pizza: in.Pizza}
	if user, err := in.User.Get(); err == nil { // neither absent nor null, which say the same
		draft.User = &user
	}
	return draft, nil
}

func created(c echo.Context, l like.Like) error {
	return httpserver.Created(c, fmt.Sprintf("/likes/%d", l.ID), l.Version, body(l))
}

func body(l like.Like) gen.Like {
	return gen.Like{Id: l.ID, User: l.User, Pizza: l.Pizza, CreatedAt: l.CreatedAt}
}

// expand puts the pizza in the place of its id; one that is gone is null.
func expand(l like.Like, pizzas map[int64]like.Pizza) gen.ExpandedLike {
	out := gen.ExpandedLike{Id: l.ID, User: l.User, Pizza: nullable.NewNullNullable[gen.Pizza](), CreatedAt: l.CreatedAt}
	p, exists := pizzas[l.Pizza]
	if !exists {
		return out
	}
	creator := nullable.NewNullNullable[uuid.UUID]()
	if p.Creator != nil {
		creator.Set(*p.Creator)
	}
	out.Pizza.Set(gen.Pizza{
		Id: p.ID, Title: p.Title, Description: p.Description, ImageUrl: p.ImageURL,
		Creator: creator, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	})
	return out
}
