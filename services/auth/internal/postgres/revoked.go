package postgres

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	sessionv1 "github.com/tizza/tizza/proto/session/v1"
)

// revoke deletes sessions, and tells every replica of every service that they have ended. It returns how many were
// whose.
func revoke(tx *gorm.DB, format message.Format, which string, args ...any) (map[uuid.UUID]int32, error) {
	var gone []sessionRow
	if err := tx.Raw("DELETE FROM sessions WHERE "+which+" RETURNING *", args...).Scan(&gone).Error; err != nil {
		return nil, fmt.Errorf("revoke sessions: %w", err)
	}
	rows := map[uuid.UUID]int32{}
	var messages []message.Message
	for _, s := range gone {
		rows[s.UserUUID]++
		m, err := revoked(format, s, tx.NowFunc())
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return rows, outbox.Append(tx, messages...)
}

// revoked is for whoever is listening: it has arrived, too, if nobody is.
func revoked(format message.Format, s sessionRow, now time.Time) (message.Message, error) {
	contentType, body, err := message.Encode(format, &sessionv1.Revoked{
		SessionUuid: s.ID.String(), ExpiresAt: timestamppb.New(s.ExpiresAt), RevokedAt: timestamppb.New(now),
	})
	if err != nil {
		return message.Message{}, fmt.Errorf("announce the end of a session: %w", err)
	}
	return message.Message{
		ID: uuid.New(), Exchange: "sessions", Key: "session.revoked.1.0.0", Optional: true,
		ContentType: contentType, Body: body, Time: now,
	}, nil
}

// revokeOf revokes all sessions of people who are erased.
func revokeOf(format message.Format) func(*gorm.DB, []uuid.UUID) (map[uuid.UUID]int32, error) {
	return func(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error) {
		return revoke(tx, format, "user_uuid = ANY(?)", postgres.Array(people))
	}
}
