package deploy_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
)

// silent is a producer to whom nothing happens.
var silent = writing{name: "silent"}

// producer says that people are gone, in the versions that its release sends.
type producer struct {
	config   broker.Config
	database *postgres.Database
	running  [replicas]replica
	events   atomic.Int64
	failure  atomic.Pointer[error]
}

// release replaces one replica after the other.
func (p *producer) release(t *testing.T, w writing) {
	t.Helper()
	for i := range p.running {
		p.running[i].stop()
		log := slog.New(slog.DiscardHandler)
		topology := broker.Topology{Service: "people", Exchanges: []broker.Exchange{{Name: "users", Kind: "topic"}}}
		publisher := broker.NewPublisher(broker.FixedRoute(p.config, log), log, topology)
		relay := outbox.NewRelay(p.database, publisher, log)
		parts := []func(context.Context) error{publisher.Run, relay.Run}
		if w.old+w.new != "" {
			parts = append(parts, func(ctx context.Context) error { return p.produce(ctx, w) })
		}
		p.running[i] = start(parts...)
		servertest.Eventually(t, patience, "producer connected", func() bool { return publisher.Ready(t.Context()) == nil })
	}
	if err := p.failure.Load(); err != nil {
		require.NoError(t, *err)
	}
}

func (p *producer) produce(ctx context.Context, w writing) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := p.event(context.WithoutCancel(ctx), w); err != nil {
				p.failure.Store(&err)
				return err
			}
		}
	}
}

// event writes one event, in one or two versions with the same id.
func (p *producer) event(ctx context.Context, w writing) error {
	number := p.events.Add(1)
	id := uuid.New()
	format := message.JSON
	if number%2 == 0 {
		format = message.Protobuf
	}
	var messages []message.Message
	add := func(says, key string, contentType string, body []byte, err error) error {
		if says != "" {
			messages = append(messages, message.Message{
				ID: id, Exchange: "users", Key: key, ContentType: contentType, Body: body, Optional: says == "`Optional`",
			})
		}
		return err
	}
	contentType, body, err := message.Encode(format, &userv1.Deleted{UserId: number})
	err = add(w.old, "user.deleted.1.0.0", contentType, body, err)
	if err == nil {
		contentType, body, err = message.Encode(format, &userv2.Deleted{UserUuid: person(number).String(), ErasureId: "e", DeletedAt: timestamppb.Now()})
		err = add(w.new, "user.deleted.2.0.0", contentType, body, err)
	}
	if err != nil {
		return err
	}
	return p.database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error { return outbox.Append(tx, messages...) })
}

// waiting is how many messages of the kind are in the outbox, and required how many of them need a queue to take them.
func (p *producer) waiting(t *testing.T, kind string) (rows int) {
	t.Helper()
	require.NoError(t, p.database.DB().Raw("SELECT count(*) FROM outbox WHERE key LIKE ?", kind+".%").Scan(&rows).Error)
	return rows
}

func (p *producer) required(t *testing.T, kind string) (rows int) {
	t.Helper()
	require.NoError(t, p.database.DB().Raw("SELECT count(*) FROM outbox WHERE key LIKE ? AND NOT optional", kind+".%").Scan(&rows).Error)
	return rows
}

// person is the UUID of somebody whom the old version knows by a number.
func person(number int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], uint64(number)) //nolint:gosec // a count
	return id
}
