// Package pizza asks the pizza service which pizzas there are.
package pizza

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/services/events/internal/event"
	"github.com/tizza/tizza/services/events/internal/pizza/gen"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../../pizza/openapi.yaml

const service = "pizza"

// most is how many pizzas the service gives at a time.
const most = 100

// Client implements event.Pizzas.
type Client struct{ api *gen.ClientWithResponses }

// NewClient makes a client that calls through http, which knows where the service named by a URL's host is.
func NewClient(http *http.Client) (*Client, error) {
	api, err := gen.NewClientWithResponses("http://"+service+"/api/v1", gen.WithHTTPClient(http))
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", service, err)
	}
	return &Client{api: api}, nil
}

// Exists implements event.Pizzas.
func (c *Client) Exists(ctx context.Context, id int64) (bool, error) {
	response, err := c.api.GetPizzaWithResponse(ctx, id, &gen.GetPizzaParams{})
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

// Find implements event.Pizzas.
func (c *Client) Find(ctx context.Context, ids []int64) (map[int64]event.Pizza, error) {
	found := make(map[int64]event.Pizza, len(ids))
	for len(ids) > 0 {
		some := ids[:min(most, len(ids))]
		ids = ids[len(some):]
		pizzas, err := c.list(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, p := range pizzas {
			found[p.Id] = event.Pizza{
				ID: p.Id, Title: p.Title, Description: p.Description, ImageURL: p.ImageUrl,
				Creator: p.Creator, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
			}
		}
	}
	return found, nil
}

func (c *Client) list(ctx context.Context, ids []int64) ([]gen.Pizza, error) {
	limit := most
	response, err := c.api.ListPizzasWithResponse(ctx, &gen.ListPizzasParams{Ids: &ids, Limit: &limit})
	if err != nil {
		return nil, httpclient.Fault(service, nil, err)
	}
	err = httpclient.Fault(service, response.HTTPResponse, nil)
	switch {
	case fault.Is(err, fault.KindNotFound), fault.Is(err, fault.Gone), err == nil && response.JSON200 == nil:
		return nil, httpclient.Fault(service, nil, nil) // a list is always there: this was no answer of the service
	case err != nil:
		return nil, err
	}
	return response.JSON200.Results, nil
}
