package deadletter

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatWasBegunIsToldToItsEndAlsoAfterAnInterruption(t *testing.T) {
	t.Parallel()
	desk := Desk{Database: servertest.Postgres(t, Schema()), Operator: "ann"}
	ctx, stop := context.WithCancel(t.Context())
	actions, err := desk.begin(ctx, replay, []*broker.Letter{{ID: "one"}, {ID: "two"}, {ID: "three"}})
	require.NoError(t, err)
	stop()

	require.NoError(t, desk.end(ctx, actions, []error{nil, errors.New("no queue"), nil}))

	history, err := History(t.Context(), desk.Database, 2)
	require.NoError(t, err)
	require.Len(t, history, 2)
	assert.Equal(t, "three", history[0].MessageID)
	assert.Equal(t, "done", history[0].Outcome)
	assert.Equal(t, "failed: no queue", history[1].Outcome)
	_, err = desk.begin(ctx, replay, []*broker.Letter{{ID: "four"}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheAuditKnowsNoOtherActions(t *testing.T) {
	t.Parallel()
	desk := Desk{Database: servertest.Postgres(t, Schema())}
	_, err := desk.begin(t.Context(), "read", []*broker.Letter{{ID: "one"}})
	require.Error(t, err)
}
