// Package likes asks the likes service who likes what.
package likes

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/services/events/internal/likes/gen"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../../likes/openapi.yaml

const service = "likes"

// most is how many likes the service gives at a time.
const most = 100

// Client implements event.Likes.
type Client struct {
	api    *gen.ClientWithResponses
	caller *httpclient.Client
}

// NewClient makes a client that calls through caller, which knows where the service named by a URL's host is.
func NewClient(caller *httpclient.Client) (*Client, error) {
	api, err := gen.NewClientWithResponses("http://"+service+"/api/v1", gen.WithHTTPClient(caller))
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", service, err)
	}
	return &Client{api: api, caller: caller}, nil
}

// Of implements event.Likes: one call for each of them, CLIENT_FAN_OUT at a time.
func (c *Client) Of(ctx context.Context, people []uuid.UUID) (map[uuid.UUID][]int64, error) {
	liked, err := httpclient.Each(ctx, c.caller, people, c.of)
	if err != nil {
		return nil, err
	}
	pizzas := make(map[uuid.UUID][]int64, len(people))
	for i, person := range people {
		pizzas[person] = liked[i]
	}
	return pizzas, nil
}

func (c *Client) of(ctx context.Context, user uuid.UUID) ([]int64, error) {
	limit := most
	response, err := c.api.ListLikesWithResponse(ctx, &gen.ListLikesParams{User: &user, Limit: &limit})
	if err != nil {
		return nil, httpclient.Fault(service, nil, err)
	}
	err = httpclient.Fault(service, response.HTTPResponse, nil)
	switch {
	case fault.Is(err, fault.KindNotFound), fault.Is(err, fault.Gone):
		return nil, noAnswer() // a list is always there
	case err != nil:
		return nil, err
	case response.JSON200 == nil:
		return nil, noAnswer()
	}
	page, err := response.JSON200.AsLikeList() // expanded likes are for those who ask for them
	if err != nil {
		return nil, httpclient.Fault(service, nil, err)
	}
	if page.Results == nil {
		return nil, noAnswer()
	}
	pizzas := make([]int64, len(page.Results))
	for i, like := range page.Results {
		if like.Pizza < 1 || like.User != user { // null, or nothing, or somebody else's
			return nil, noAnswer()
		}
		pizzas[i] = like.Pizza
	}
	return pizzas, nil
}

// noAnswer is the fault of an answer that is none of the service's.
func noAnswer() error { return httpclient.Fault(service, nil, nil) }
