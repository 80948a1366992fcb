// Package httpapi serves pizzas over HTTP, as openapi.yaml says.
package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/nullable"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/setting"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	problemv1 "github.com/tizza/tizza/proto/problem/v1"
	"github.com/tizza/tizza/services/pizza/internal/httpapi/gen"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// API implements the operations of openapi.yaml.
type API struct {
	pizzas   *pizza.Service
	pageSize setting.Live[int]
}

// Register puts the operations on the server.
func Register(server *httpserver.Server, pizzas *pizza.Service, pageSize setting.Live[int]) {
	gen.RegisterHandlersWithBaseURL(server.Echo, &API{pizzas: pizzas, pageSize: pageSize}, httpserver.Base)
}

// Messages are the Protobuf messages of what openapi.yaml describes.
func Messages() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{pizzav1.File_pizza_v1_resources_proto, problemv1.File_problem_v1_problem_proto}
}

// ListPizzas serves GET /pizzas.
func (a *API) ListPizzas(c echo.Context, params gen.ListPizzasParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	filter := pizza.Filter{Creator: params.Creator}
	if params.Ids != nil {
		filter.IDs = *params.Ids
	}
	if params.Q != nil {
		filter.Text = *params.Q
	}
	pizzas, err := a.pizzas.List(c.Request().Context(), filter, window)
	if err != nil {
		return err
	}
	return httpserver.List(c, window, page.Map(pizzas, body))
}

// CreatePizza serves POST /pizzas.
func (a *API) CreatePizza(c echo.Context) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	p, err := a.pizzas.Create(c.Request().Context(), httpserver.Caller(c), draft)
	if err != nil {
		return err
	}
	return created(c, p)
}

// GetPizza serves GET /pizzas/{id}.
func (a *API) GetPizza(c echo.Context, id gen.PathId, _ gen.GetPizzaParams) error {
	ctx := c.Request().Context()
	return httpserver.Read(c,
		func() (int64, error) { return a.pizzas.Version(ctx, id) },
		func() (int64, any, error) {
			p, err := a.pizzas.Get(ctx, id)
			return p.Version, body(p), err
		})
}

// PutPizza serves PUT /pizzas/{id}.
func (a *API) PutPizza(c echo.Context, id gen.PathId, _ gen.PutPizzaParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	p, isNew, err := a.pizzas.Put(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, p)
	}
	return httpserver.Wrote(c, p.Version, body(p))
}

// PatchPizza serves PATCH /pizzas/{id}.
func (a *API) PatchPizza(c echo.Context, id gen.PathId, _ gen.PatchPizzaParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	p, err := a.pizzas.Change(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	if err != nil {
		return err
	}
	return httpserver.Wrote(c, p.Version, body(p))
}

// DeletePizza serves DELETE /pizzas/{id}.
func (a *API) DeletePizza(c echo.Context, id gen.PathId, _ gen.DeletePizzaParams) error {
	if err := a.pizzas.Remove(c.Request().Context(), httpserver.Caller(c), id, httpserver.Condition(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decode reads a draft: a whole pizza and a patch have the same fields, and openapi.yaml says which are required.
func decode(c echo.Context) (pizza.Draft, error) {
	var in gen.PizzaPatch
	if err := httpserver.Decode(c, &in); err != nil {
		return pizza.Draft{}, err
	}
	return pizza.Draft{
		Title: in.Title, Description: said(in.Description), ImageURL: said(in.ImageUrl), Creator: said(in.Creator),
	}, nil
}

func created(c echo.Context, p pizza.Pizza) error {
	return httpserver.Created(c, fmt.Sprintf("/pizzas/%d", p.ID), p.Version, body(p))
}

func body(p pizza.Pizza) gen.Pizza {
	return gen.Pizza{
		Id: p.ID, Title: p.Title, Description: p.Description, ImageUrl: p.ImageURL,
		Creator: orNull(p.Creator), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}

// said keeps absent and null apart, which a pointer could not.
func said[T any](n nullable.Nullable[T]) pizza.Nullable[T] {
	out := pizza.Nullable[T]{Said: n.IsSpecified()}
	if value, err := n.Get(); err == nil { // neither absent nor null
		out.Value = &value
	}
	return out
}

func orNull[T any](value *T) nullable.Nullable[T] {
	if value == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*value)
}
