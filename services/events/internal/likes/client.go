// Package likes asks the likes service who likes what.
package likes

import (
	"context"
	"fmt"
	"net/http"

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
type Client struct{ api *gen.ClientWithResponses }

// NewClient makes a client that calls through http, which knows where the service named by a URL's host is.
func NewClient(http *http.Client) (*Client, error) {
	api, err := gen.NewClientWithResponses("http://"+service+"/api/v1", gen.WithHTTPClient(http))
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", service, err)
	}
	return &Client{api: api}, nil
}

// Of implements event.Likes.
func (c *Client) Of(ctx context.Context, user uuid.UUID) ([]int64, error) {
	limit := most
	response, err := c.api.ListLikesWithResponse(ctx, &gen.ListLikesParams{User: &user, Limit: &limit})
	if err != nil {
		return nil, httpclient.Fault(service, nil, err)
	}
	err = httpclient.Fault(service, response.HTTPResponse, nil)
	switch {
	case fault.Is(err, fault.KindNotFound), fault.Is(err, fault.Gone), err == nil && response.JSON200 == nil:
		return nil, noAnswer() // a list is always there
	case err != nil:
		return nil, err
	}
	page, err := response.JSON200.AsLikeList() // expanded likes are for those who ask for them
	if err != nil {
		return nil, httpclient.Fault(service, nil, err)
	}
	pizzas := make([]int64, len(page.Results))
	for i, like := range page.Results {
		if like.Pizza < 1 { // null, or nothing
			return nil, noAnswer()
		}
		pizzas[i] = like.Pizza
	}
	return pizzas, nil
}

// noAnswer is the fault of an answer that is none of the service's.
func noAnswer() error { return httpclient.Fault(service, nil, nil) }
