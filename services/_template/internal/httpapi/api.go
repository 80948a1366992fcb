// Package httpapi serves cards over HTTP, as openapi.yaml says.
package httpapi

import (
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/services/loyalty/internal/card"
	"github.com/tizza/tizza/services/loyalty/internal/httpapi/gen"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// API implements the operations of openapi.yaml.
type API struct{ cards *card.Service }

// Register puts the operations on the server.
func Register(server *httpserver.Server, cards *card.Service) {
	gen.RegisterHandlersWithBaseURL(server.Echo, &API{cards: cards}, httpserver.Base)
}

// GetCard serves GET /cards/{user}.
func (a *API) GetCard(c echo.Context, user uuid.UUID, _ gen.GetCardParams) error {
	read := func() (card.Card, error) {
		return a.cards.Get(c.Request().Context(), httpserver.Caller(c), user)
	}
	return httpserver.Read(c,
		func() (int64, error) {
			found, err := read()
			return found.Version, err
		},
		func() (int64, any, error) {
			found, err := read()
			return found.Version, body(found), err
		})
}

// PutCard serves PUT /cards/{user}.
func (a *API) PutCard(c echo.Context, user uuid.UUID, _ gen.PutCardParams) error {
	var in gen.NewCard
	if err := httpserver.Decode(c, &in); err != nil {
		return err
	}
	stored, isNew, err := a.cards.Put(c.Request().Context(), httpserver.Caller(c), user, in.Points, httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return httpserver.Created(c, "/cards/"+user.String(), stored.Version, body(stored))
	}
	return httpserver.Wrote(c, stored.Version, body(stored))
}

func body(c card.Card) gen.Card { return gen.Card{User: c.User, Points: c.Points} }
