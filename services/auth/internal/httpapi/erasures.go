package httpapi

import (
	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/nullable"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	"github.com/tizza/tizza/services/auth/internal/httpapi/gen"
)

// ListErasures serves GET /erasures.
func (a *API) ListErasures(c echo.Context, _ gen.ListErasuresParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	erasures, err := a.erasures.List(c.Request().Context(), httpserver.Caller(c), window)
	if err != nil {
		return err
	}
	return httpserver.List(c, window, page.Map(erasures, a.erasureBody))
}

// GetErasure serves GET /erasures/{id}.
func (a *API) GetErasure(c echo.Context, id gen.ErasureId, _ gen.GetErasureParams) error {
	e, err := a.erasures.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpserver.Content(c, a.erasureBody(e))
}

func (a *API) erasureBody(e erasure.Erasure) gen.Erasure {
	body := gen.Erasure{
		Id: e.ID, State: gen.ErasureState(e.State(a.now())),
		RequestedAt: e.RequestedAt, DueAt: e.DueAt, CompletedAt: orNull(e.CompletedAt),
		Holders: make([]gen.Holder, len(e.Holders)),
	}
	for i, h := range e.Holders {
		body.Holders[i] = gen.Holder{
			Service: h.Service, State: gen.HolderState(h.State), Deleted: h.Deleted, Left: orNull(h.Left), ErasedAt: orNull(h.ErasedAt),
		}
	}
	return body
}

func orNull[T any](value *T) nullable.Nullable[T] {
	if value == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*value)
}
