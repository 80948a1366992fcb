// Package pizza asks the pizza service which pizzas there are.
package pizza

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/services/likes/internal/like"
	"github.com/tizza/tizza/services/likes/internal/pizza/gen"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../../pizza/openapi.yaml

const service = "pizza"

// Client implements like.Pizzas.
type Client struct{ api *gen.ClientWithResponses }

// NewClient makes a client that calls through http, which knows where the service named by a URL's host is.
func NewClient(http *http.Client) (*Client, error) {
	api, err := gen.NewClientWithResponses("http://"+service+"/api/v1", gen.WithHTTPClient(http))
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", service, err)
	}
	return &Client{api: api}, nil
}

// Exists implements like.Pizzas.
func (c *Client) Exists(ctx context.Context, id int64) (bool, error) {
	response, err := c.api.GetPizzaWithResponse(ctx, id)
	if err != nil {
		return false, httpclient.Fault(service, nil, err)
	}
	switch err := httpclient.Fault(service, response.HTTPResponse, nil); {
	case fault.Is(err, fault.KindNotFound), fault.Is(err, fault.Gone):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// Find implements like.Pizzas. It asks for at most 100 pizzas at a time, as many as the service gives.
func (c *Client) Find(ctx context.Context, ids []int64) (map[int64]like.Pizza, error) {
	const most = 100
	found := make(map[int64]like.Pizza, len(ids))
	for len(ids) > 0 {
		some := ids[:min(most, len(ids))]
		ids = ids[len(some):]
		limit := most
		response, err := c.api.ListPizzasWithResponse(ctx, &gen.ListPizzasParams{Ids: &some, Limit: &limit})
		if err != nil {
			return nil, httpclient.Fault(service, nil, err)
		}
		if err := httpclient.Fault(service, response.HTTPResponse, nil); err != nil {
			return nil, err
		}
		for _, p := range response.JSON200.Results {
			found[p.Id] = like.Pizza{
				ID: p.Id, Title: p.Title, Description: p.Description, ImageURL: p.ImageUrl,
				Creator: p.Creator, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
			}
		}
	}
	return found, nil
}
