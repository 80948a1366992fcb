package postgres

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/proto/corpus"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

func TestAnErasureIsAnnouncedToTheByteAsReleased(t *testing.T) {
	t.Parallel()
	for format, contentType := range map[message.Format]string{message.JSON: "application/json", message.Protobuf: "application/x-protobuf"} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			first := corpus.Released("user.deleted.1.0.0", "full", contentType)
			second := corpus.Released("user.deleted.2.0.0", "full", contentType)
			e := said(t)
			database := servertest.Postgres(t, Schemas()...)
			tx := database.DB().WithContext(t.Context())

			require.NoError(t, Announcement{Format: format, V1: true}.first(tx, e))

			type letter struct {
				MessageID        uuid.UUID
				Key, ContentType string
				Body             []byte
			}
			var letters []letter
			require.NoError(t, tx.Raw("SELECT message_id, key, content_type, body FROM outbox ORDER BY id").Scan(&letters).Error)
			assert.Equal(t, []letter{
				{e.Message, first.Type, contentType, first.Body},
				{e.Message, second.Type, contentType, second.Body},
			}, letters)
		})
	}
}

// said is the erasure of which the corpus says that it was announced.
func said(t *testing.T) erasure.Erasure {
	t.Helper()
	var old struct {
		UserID int64 `json:"user_id"`
	}
	require.NoError(t, json.Unmarshal(corpus.Released("user.deleted.1.0.0", "full", "application/json").Body, &old))
	var now struct {
		UserUUID  uuid.UUID `json:"user_uuid"`
		ErasureID string    `json:"erasure_id"`
		DeletedAt time.Time `json:"deleted_at"`
	}
	require.NoError(t, json.Unmarshal(corpus.Released("user.deleted.2.0.0", "full", "application/json").Body, &now))
	return erasure.Erasure{ID: now.ErasureID, Message: uuid.New(), Person: now.UserUUID, Number: old.UserID, RequestedAt: now.DeletedAt}
}

func TestTheEndOfASessionIsAnnouncedToTheByteAsReleased(t *testing.T) {
	t.Parallel()
	for format, contentType := range map[message.Format]string{message.JSON: "application/json", message.Protobuf: "application/x-protobuf"} {
		want := corpus.Released("session.revoked.1.0.0", "full", contentType)
		var over struct {
			Session uuid.UUID `json:"session_uuid"`
			Expires time.Time `json:"expires_at"`
			Revoked time.Time `json:"revoked_at"`
		}
		require.NoError(t, json.Unmarshal(want.Plain(), &over))

		m, err := revoked(format, sessionRow{ID: over.Session, ExpiresAt: over.Expires}, over.Revoked)

		require.NoError(t, err)
		assert.Equal(t, want.Type+" "+want.ContentType, m.Key+" "+m.ContentType)
		assert.Equal(t, string(want.Body), string(m.Body))
	}
}
