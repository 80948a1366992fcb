package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

// gate is a publisher whose every batch waits to be told whether it fails.
type gate struct {
	asked, entered chan struct{}
	fail           chan bool
}

func newGate() *gate {
	return &gate{asked: make(chan struct{}, 1000), entered: make(chan struct{}, 10), fail: make(chan bool, 10)}
}

func (g *gate) Ready(context.Context) error {
	g.asked <- struct{}{}
	return nil
}

// fails fails the relay's first batch, and returns when the relay is done with it.
func (g *gate) fails() {
	g.fail <- true // with all others
	g.fail <- true // by itself
	for range 4 {  // before the batch, after each failure, and before the next batch
		<-g.asked
	}
}

func (g *gate) Publish(ctx context.Context, messages []message.Message) []error {
	results := make([]error, len(messages))
	g.entered <- struct{}{}
	select {
	case fails := <-g.fail:
		for i := range results {
			if fails {
				results[i] = errors.New("no")
			}
		}
	case <-ctx.Done():
		for i := range results {
			results[i] = ctx.Err()
		}
	}
	return results
}

// held is what a relay's claim puts into the only row.
type held struct {
	State       string
	Attempts    int
	AvailableAt time.Time
}

func claimOf(t *testing.T, database *postgres.Database) (claim held) {
	t.Helper()
	require.NoError(t, database.DB().Raw("SELECT state, attempts, available_at FROM outbox").Scan(&claim).Error)
	return claim
}
