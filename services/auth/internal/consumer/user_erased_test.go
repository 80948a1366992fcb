package consumer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	holding "github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/version"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// What the broker does with a handler's error is told by its type, which is the broker's own.
var (
	permanent = fmt.Sprintf("%T", broker.Permanent(errors.New("")))
	later     = fmt.Sprintf("%T", broker.Later(errors.New("")))
)

func body(e erasure.Erasure, service string) *userv1.Erased {
	return &userv1.Erased{
		ErasureId: e.ID, UserUuid: e.Person.String(), Service: service,
		Deleted: map[string]int32{"rows": 4}, ErasedAt: timestamppb.Now(),
	}
}

func delivery(t *testing.T, format message.Format, b *userv1.Erased) broker.Delivery {
	t.Helper()
	contentType, encoded, err := message.Encode(format, b)
	require.NoError(t, err)
	return broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: contentType, Body: encoded}, Attempt: 1}
}

func begin(t *testing.T) (*store.Ledger, erasure.Erasure) {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := holding.NewHolder("test", store.Register(message.JSON))
	ledger := store.NewLedger(database, holder, store.Announcement{Format: message.JSON})
	require.NoError(t, ledger.Register(t.Context(), []string{"pizza", "likes"}))
	ada, err := store.NewStore(database, holder, message.JSON).Add(t.Context(), user.User{ID: uuid.New(), Username: "ada"})
	require.NoError(t, err)
	e, err := ledger.Begin(t.Context(), erasure.Erasure{ID: "e", Message: uuid.New(), Person: ada.ID}, version.Condition{})
	require.NoError(t, err)
	return ledger, e
}

func TestReceiptsOfAllHoldersInAnyFormatCompleteAnErasure(t *testing.T) {
	ledger, e := begin(t)
	handle := UserErased(ledger).Do
	first := delivery(t, message.JSON, body(e, "pizza"))
	require.NoError(t, handle(t.Context(), first))
	require.NoError(t, handle(t.Context(), first), "a copy")
	e, err := ledger.Get(t.Context(), e.ID)
	require.NoError(t, err)
	assert.Nil(t, e.CompletedAt)
	require.NoError(t, handle(t.Context(), delivery(t, message.Protobuf, body(e, "likes"))))
	e, err = ledger.Get(t.Context(), e.ID)
	require.NoError(t, err)
	assert.NotNil(t, e.CompletedAt)
	for _, h := range e.Holders[1:] {
		assert.Equal(t, map[string]int32{"rows": 4}, h.Deleted)
		assert.Equal(t, new(int32(0)), h.Left)
		assert.WithinDuration(t, time.Now(), *h.ErasedAt, time.Minute)
	}
}

func TestAReceiptThatCanNeverBeTakenBecomesADeadLetter(t *testing.T) {
	ledger, e := begin(t)
	handle := UserErased(ledger).Do
	for name, spoil := range map[string]func(*userv1.Erased){
		"unknown erasure": func(b *userv1.Erased) { b.ErasureId = "unknown" },
		"another person":  func(b *userv1.Erased) { b.UserUuid = uuid.NewString() },
		"no person":       func(b *userv1.Erased) { b.UserUuid = "" },
		"no service":      func(b *userv1.Erased) { b.Service = "" },
		"no time":         func(b *userv1.Erased) { b.ErasedAt = nil },
		"less than none":  func(b *userv1.Erased) { b.Left = -1 },
	} {
		b := body(e, "pizza")
		spoil(b)
		assert.Equal(t, permanent, fmt.Sprintf("%T", handle(t.Context(), delivery(t, message.JSON, b))), name)
	}
	unreadable := broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: "text/plain", Body: []byte("{}")}}
	assert.Equal(t, permanent, fmt.Sprintf("%T", handle(t.Context(), unreadable)))
}

type broken struct{ err error }

func (b broken) Receive(context.Context, string, ...erasure.Receipt) error { return b.err }

func TestAReceiptWaitsWhileTheDatabaseIsAwayAndIsRetriedOtherwise(t *testing.T) {
	d := delivery(t, message.JSON, body(erasure.Erasure{ID: "e", Person: uuid.New()}, "pizza"))
	down := &pgconn.PgError{Code: "57P01"}
	assert.Equal(t, later, fmt.Sprintf("%T", UserErased(broken{fmt.Errorf("receive: %w", down)}).Do(t.Context(), d)))
	other := errors.New("a bug")
	assert.Equal(t, other, UserErased(broken{other}).Do(t.Context(), d))
}

func TestTheQueueReadsTheFirstMajorVersionOnly(t *testing.T) {
	s := UserErased(broken{})
	assert.Equal(t, "auth.user-erased", s.Queue)
	assert.Equal(t, "users", s.Exchange)
	assert.Equal(t, []string{"user.erased.1"}, s.Reads)
}
