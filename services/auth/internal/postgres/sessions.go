package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

type sessionRow struct {
	ID        uuid.UUID
	UserUUID  uuid.UUID
	CreatedAt time.Time `gorm:"default:now()"`
	ExpiresAt time.Time
}

func (sessionRow) TableName() string { return "sessions" }

// AddSession implements user.Store. It also clears away the person's sessions that have expired.
func (s *Store) AddSession(ctx context.Context, u user.User, session user.Session) (user.Session, error) {
	r := sessionRow{ID: session.ID, UserUUID: u.ID, ExpiresAt: session.ExpiresAt}
	err := s.of(ctx, u.ID, func(tx *gorm.DB) error {
		now, err := lock(tx, u.ID)
		if err != nil {
			return err
		}
		if now.PasswordHash != u.PasswordHash {
			return gorm.ErrRecordNotFound
		}
		session.Staff = now.Staff
		if err := tx.Exec("DELETE FROM sessions WHERE user_uuid = ? AND expires_at <= now()", u.ID).Error; err != nil {
			return err
		}
		return tx.Create(&r).Error
	})
	session.CreatedAt = r.CreatedAt
	return session, known(err, "")
}

// Session implements user.Store.
func (s *Store) Session(ctx context.Context, id uuid.UUID) (user.Session, error) {
	var found user.Session
	done := s.db.WithContext(ctx).Raw(`SELECT s.id, s.user_uuid AS "user", u.staff, s.created_at, s.expires_at
		FROM sessions s JOIN users u ON u.uuid = s.user_uuid WHERE s.id = ? AND s.expires_at > now()`, id).Scan(&found)
	if done.Error == nil && done.RowsAffected == 0 {
		return user.Session{}, known(gorm.ErrRecordNotFound, "")
	}
	return found, known(done.Error, "")
}

// EndSession implements user.Store.
func (s *Store) EndSession(ctx context.Context, id uuid.UUID) error {
	return known(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := revoke(tx, s.format, "id = ?", id)
		return err
	}), "")
}

// EndSessions implements user.Store.
func (s *Store) EndSessions(ctx context.Context, person uuid.UUID, condition version.Condition) error {
	return known(s.of(ctx, person, func(tx *gorm.DB) error {
		now, err := lock(tx, person)
		if err != nil {
			return err
		}
		if err := condition.On(now.Version); err != nil {
			return err
		}
		_, err = revoke(tx, s.format, "user_uuid = ?", person)
		return err
	}), "")
}
