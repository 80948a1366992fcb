package consumer_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/services/events/internal/event"
	store "github.com/tizza/tizza/services/events/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	*store.Store
	database *postgres.Database
	holder   *erasure.Holder
}

func given(t *testing.T) world {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register())
	return world{store.NewStore(database, holder), database, holder}
}

func (w world) add(t *testing.T, e event.Event) int64 {
	t.Helper()
	e, err := w.Add(t.Context(), e)
	require.NoError(t, err)
	return e.ID
}

func delivery(t *testing.T, format message.Format, body proto.Message) broker.Delivery {
	t.Helper()
	contentType, encoded, err := message.Encode(format, body)
	require.NoError(t, err)
	return broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: contentType, Body: encoded}}
}

// refuses says that the handler dead-letters each of the bodies at once.
func refuses(t *testing.T, handle func(context.Context, ...broker.Delivery) error, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		err := handle(t.Context(), broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(body)}})
		require.Error(t, err, body)
		assert.IsType(t, broker.Permanent(err), err, body)
	}
}
