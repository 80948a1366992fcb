package deploy_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
)

// consumer notes each person who is gone, which must happen once.
type consumer struct {
	config   broker.Config
	name     string
	together bool
	database *postgres.Database
	running  [replicas]replica
	received [3]atomic.Int64 // deliveries that were handled, by major version
}

func newConsumer(t *testing.T, config broker.Config, name string, together bool) *consumer {
	t.Helper()
	effects := postgres.Schema{Name: "effects", Files: fstest.MapFS{"00001_effects.sql": {Data: []byte(
		"-- +goose Up\nCREATE TABLE effects (person bigint NOT NULL);\nCREATE INDEX ON effects (person);\n-- +goose Down\nDROP TABLE effects;\n",
	)}}}
	return &consumer{config: config, name: name, together: together, database: servertest.Postgres(t, inbox.Schema(), effects)}
}

func (c *consumer) queue() string { return c.name + ".user-deleted" }

func (c *consumer) topology(r reading) broker.Topology {
	s := broker.Subscription{Queue: c.queue(), Exchange: "users", Reads: r.reads, Formerly: r.formerly, Handle: c.handle}
	if c.together {
		s.Handle, s.Together, s.Batch = nil, c.handleTogether, 10
	}
	return broker.Topology{Service: c.name, Subscriptions: []broker.Subscription{s}}
}

// release replaces one replica after the other.
func (c *consumer) release(t *testing.T, r reading) {
	t.Helper()
	for i := range c.running {
		c.running[i].stop()
		log := slog.New(slog.DiscardHandler)
		route := broker.FixedRoute(c.config, log)
		publisher := broker.NewPublisher(route, log, c.topology(r))
		reader := broker.NewConsumer(route, log, c.topology(r), publisher)
		c.running[i] = start(publisher.Run, reader.Run)
		servertest.Eventually(t, patience, c.name+" consumes", func() bool { return reader.Ready(t.Context()) == nil })
	}
}

func (c *consumer) handle(ctx context.Context, d broker.Delivery) error {
	return c.handleTogether(ctx, []broker.Delivery{d})
}

// handleTogether fails for every tenth person the first time, so that there is always something old in the retry queues.
func (c *consumer) handleTogether(ctx context.Context, deliveries []broker.Delivery) error {
	people := map[uuid.UUID]int64{}
	for _, d := range deliveries {
		number, err := gone(d)
		if err != nil {
			return broker.Permanent(err)
		}
		if number%10 == 0 && d.Attempt == 1 {
			return errors.New("not the first time")
		}
		people[d.ID] = number
	}
	err := inbox.Once(ctx, c.database, c.queue(), deliveries, func(tx *gorm.DB, first []broker.Delivery) error {
		for _, d := range first {
			if err := tx.Exec("INSERT INTO effects (person) VALUES (?)", people[d.ID]).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		for _, d := range deliveries {
			c.counter(d.Type.Major).Add(1)
		}
	}
	return err
}

func (c *consumer) counter(major int) *atomic.Int64 { return &c.received[major] }

// gone reads who is gone from either version.
func gone(d broker.Delivery) (int64, error) {
	if d.Type.Major == 1 {
		var body userv1.Deleted
		if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
			return 0, err
		}
		if body.GetUserId() <= 0 {
			return 0, errors.New("user_id: is not a user's")
		}
		return body.GetUserId(), nil
	}
	var body userv2.Deleted
	if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
		return 0, err
	}
	id, err := uuid.Parse(body.GetUserUuid())
	if err != nil {
		return 0, fmt.Errorf("user_uuid: %w", err)
	}
	return int64(binary.BigEndian.Uint64(id[8:])), nil //nolint:gosec // what person made of a count
}

// missing is how many of the people from..to have no effect.
func (c *consumer) missing(t *testing.T, from, to int64) int {
	t.Helper()
	var rows int
	require.NoError(t, c.database.DB().Raw(
		"SELECT count(*) FROM generate_series(?::bigint, ?::bigint) AS n WHERE NOT EXISTS (SELECT FROM effects WHERE person = n)", from, to).Scan(&rows).Error)
	return rows
}

func (c *consumer) effects(t *testing.T) (all, different int64) {
	t.Helper()
	row := c.database.DB().Raw("SELECT count(*), count(DISTINCT person) FROM effects").Row()
	require.NoError(t, row.Scan(&all, &different))
	return all, different
}
