// Package httpapi serves events and attendances over HTTP, as openapi.yaml says.
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
	eventsv1 "github.com/tizza/tizza/proto/events/v1"
	problemv1 "github.com/tizza/tizza/proto/problem/v1"
	"github.com/tizza/tizza/services/events/internal/event"
	"github.com/tizza/tizza/services/events/internal/httpapi/gen"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// API implements the operations of openapi.yaml.
type API struct {
	events   *event.Service
	pageSize setting.Live[int]
}

// Register puts the operations on the server.
func Register(server *httpserver.Server, events *event.Service, pageSize setting.Live[int]) {
	gen.RegisterHandlersWithBaseURL(server.Echo, &API{events: events, pageSize: pageSize}, httpserver.Base)
}

// Messages are the Protobuf messages of what openapi.yaml describes.
func Messages() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{eventsv1.File_events_v1_resources_proto, problemv1.File_problem_v1_problem_proto}
}

// ListEvents serves GET /events.
func (a *API) ListEvents(c echo.Context, params gen.ListEventsParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	filter := event.Filter{Host: params.Host, From: params.From, To: params.To}
	events, err := a.events.List(c.Request().Context(), filter, window)
	if err != nil {
		return err
	}
	return httpserver.List(c, window, page.Map(events, body))
}

// CreateEvent serves POST /events.
func (a *API) CreateEvent(c echo.Context) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	e, err := a.events.Create(c.Request().Context(), httpserver.Caller(c), draft)
	if err != nil {
		return err
	}
	return created(c, e)
}

// GetEvent serves GET /events/{id}.
func (a *API) GetEvent(c echo.Context, id gen.PathId, _ gen.GetEventParams) error {
	ctx := c.Request().Context()
	return httpserver.Read(c,
		func() (int64, error) { return a.events.Version(ctx, id) },
		func() (int64, any, error) {
			e, err := a.events.Get(ctx, id)
			return e.Version, body(e), err
		})
}

// PutEvent serves PUT /events/{id}.
func (a *API) PutEvent(c echo.Context, id gen.PathId, _ gen.PutEventParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	e, isNew, err := a.events.Put(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return created(c, e)
	}
	return httpserver.Wrote(c, e.Version, body(e))
}

// PatchEvent serves PATCH /events/{id}.
func (a *API) PatchEvent(c echo.Context, id gen.PathId, _ gen.PatchEventParams) error {
	draft, err := decode(c)
	if err != nil {
		return err
	}
	e, err := a.events.Change(c.Request().Context(), httpserver.Caller(c), id, draft, httpserver.Condition(c))
	if err != nil {
		return err
	}
	return httpserver.Wrote(c, e.Version, body(e))
}

// DeleteEvent serves DELETE /events/{id}.
func (a *API) DeleteEvent(c echo.Context, id gen.PathId, _ gen.DeleteEventParams) error {
	if err := a.events.Remove(c.Request().Context(), httpserver.Caller(c), id, httpserver.Condition(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decode reads a draft: a whole event and a patch have the same fields, and openapi.yaml says which are required.
func decode(c echo.Context) (event.Draft, error) {
	var in gen.EventPatch
	if err := httpserver.Decode(c, &in); err != nil {
		return event.Draft{}, err
	}
	return event.Draft{
		Title: in.Title, Description: said(in.Description), Place: in.Place, StartsAt: in.StartsAt,
		Pizza: said(in.Pizza), Host: said(in.Host),
	}, nil
}

func created(c echo.Context, e event.Event) error {
	return httpserver.Created(c, fmt.Sprintf("/events/%d", e.ID), e.Version, body(e))
}

func body(e event.Event) gen.Event {
	return gen.Event{
		Id: e.ID, Title: e.Title, Description: e.Description, Place: e.Place, StartsAt: e.StartsAt,
		Pizza: orNull(e.Pizza), Host: orNull(e.Host), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

// said keeps absent and null apart, which a pointer could not.
func said[T any](n nullable.Nullable[T]) event.Nullable[T] {
	out := event.Nullable[T]{Said: n.IsSpecified()}
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
