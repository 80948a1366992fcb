// Package pizza asks the pizza service which pizzas there are.
package pizza

import (
	"context"
	"fmt"
	"slices"

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

// NewClient makes a client that calls through caller, which knows where the service named by a URL's host is.
func NewClient(caller *httpclient.Client) (*Client, error) {
	api, err := gen.NewClientWithResponses("http://"+service+"/api/v1", gen.WithHTTPClient(caller))
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
	case fault.Is(err, fault.KindNotFound) && response.ApplicationproblemJSON404 != nil, fault.Is(err, fault.Gone):
		return false, nil
	case fault.Is(err, fault.KindNotFound), err == nil && (response.JSON200 == nil || response.JSON200.Id != id):
		return false, noAnswer()
	case err != nil:
		return false, err
	}
	return true, nil
}

// Find implements event.Pizzas.
func (c *Client) Find(ctx context.Context, ids []int64) (map[int64]event.Pizza, error) {
	found := make(map[int64]event.Pizza, len(ids))
	for some := range slices.Chunk(ids, most) {
		pizzas, err := c.list(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, p := range pizzas {
			if !slices.Contains(some, p.Id) {
				return nil, noAnswer()
			}
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
	case fault.Is(err, fault.KindNotFound), fault.Is(err, fault.Gone):
		return nil, noAnswer() // a list is always there
	case err != nil:
		return nil, err
	case response.JSON200 == nil, response.JSON200.Results == nil:
		return nil, noAnswer()
	}
	return response.JSON200.Results, nil
}

// noAnswer is the fault of an answer that is none of the service's.
func noAnswer() error { return httpclient.Fault(service, nil, nil) }
