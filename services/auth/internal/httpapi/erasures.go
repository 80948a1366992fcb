package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	"github.com/tizza/tizza/services/auth/internal/httpapi/gen"
)

// ListErasures serves GET /erasures.
func (a *API) ListErasures(c echo.Context, _ gen.ListErasuresParams) error {
	p, err := page.Parse(c.Request(), a.pageSize)
	if err != nil {
		return err
	}
	erasures, count, err := a.erasures.List(c.Request().Context(), httpserver.Caller(c), p.Limit, p.Offset)
	if err != nil {
		return err
	}
	results := make([]gen.Erasure, len(erasures))
	for i, e := range erasures {
		results[i] = a.erasureBody(e)
	}
	return httpserver.List(c, page.New(c.Request(), p, count, results))
}

// GetErasure serves GET /erasures/{id}.
func (a *API) GetErasure(c echo.Context, id string) error {
	e, err := a.erasures.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.erasureBody(e))
}

func (a *API) erasureBody(e erasure.Erasure) gen.Erasure {
	body := gen.Erasure{
		Id: e.ID, State: gen.ErasureState(e.State(a.now())),
		RequestedAt: e.RequestedAt, DueAt: e.DueAt, CompletedAt: e.CompletedAt,
		Holders: make([]gen.Holder, len(e.Holders)),
	}
	for i, h := range e.Holders {
		body.Holders[i] = gen.Holder{
			Service: h.Service, State: gen.HolderState(h.State), Deleted: h.Deleted, Left: h.Left, ErasedAt: h.ErasedAt,
		}
	}
	return body
}
