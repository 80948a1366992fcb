package httpclient

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Each makes one call per item, CLIENT_FAN_OUT of them at a time, and gives the
// results in the items' order. The first error is returned, without results: it
// ends the context of the calls under way, and no other begins. With c nil the
// fan-out is the default.
func Each[T, R any](ctx context.Context, c *Client, items []T, call func(context.Context, T) (R, error)) ([]R, error) {
	atOnce := defaultFanOut
	if c != nil {
		config := c.transport.config
		atOnce = max(min(config.FanOut.Get(), config.MaxInFlightPerHost.Get()), 1) // more would only wait for each other
	}
	results := make([]R, len(items))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	begun := 0
	for ; begun < len(items) && inner.Err() == nil; begun++ {
		i := begun
		group.Go(func() (err error) {
			results[i], err = call(inner, items[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if begun < len(items) {
		return nil, context.Cause(ctx)
	}
	return results, nil
}
