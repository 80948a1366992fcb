package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/events/internal/event"
)

type attendance struct {
	ID        int64
	Event     int64
	UserUUID  uuid.UUID
	Status    event.Status
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName implements gorm's Tabler.
func (attendance) TableName() string { return "attendances" }

func (a attendance) attendance() event.Attendance {
	return event.Attendance{Event: a.Event, User: a.UserUUID, Status: a.Status, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
}

// Attend implements event.Store.
func (s *Store) Attend(ctx context.Context, id int64, user uuid.UUID, status event.Status) (event.Attendance, bool, error) {
	var stored struct {
		Row     attendance `gorm:"embedded"`
		Created bool
	}
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, user); err != nil {
			return err
		}
		now := tx.NowFunc()
		return tx.Raw(`
			INSERT INTO attendances (event, user_uuid, status, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (event, user_uuid) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at
			RETURNING id, event, user_uuid, status, created_at, updated_at,
				xmax = 0 AS created -- xmax: the transaction that updated the row, none if it is new`,
			id, user, status, now, now).Scan(&stored).Error
	})
	if postgres.Constraint(err) == "attendances_event" {
		err = fault.NotFound()
	}
	return stored.Row.attendance(), stored.Created, postgres.Fault(err)
}

// Attendance implements event.Store.
func (s *Store) Attendance(ctx context.Context, id int64, user uuid.UUID) (event.Attendance, error) {
	var a attendance
	err := s.db.WithContext(ctx).Take(&a, "event = ? AND user_uuid = ?", id, user).Error
	return a.attendance(), postgres.Fault(err)
}

// Attendances implements event.Store.
func (s *Store) Attendances(ctx context.Context, id int64, user *uuid.UUID, limit, offset int) ([]event.Attendance, int64, error) {
	query := s.db.WithContext(ctx).Model(&attendance{}).Where("event = ?", id)
	if user != nil {
		query = query.Where("user_uuid = ?", *user)
	}
	rows, count, err := postgres.Window[attendance](query, limit, offset)
	if err != nil {
		return nil, 0, postgres.Fault(err)
	}
	attendances := make([]event.Attendance, len(rows))
	for i, a := range rows {
		attendances[i] = a.attendance()
	}
	return attendances, count, nil
}

// Unattend implements event.Store.
func (s *Store) Unattend(ctx context.Context, id int64, user uuid.UUID) error {
	done := s.db.WithContext(ctx).Where("event = ? AND user_uuid = ?", id, user).Delete(&attendance{})
	if done.Error == nil && done.RowsAffected == 0 {
		return fault.NotFound()
	}
	return postgres.Fault(done.Error)
}

// Coming implements event.Store.
func (s *Store) Coming(ctx context.Context, id int64, most int) ([]uuid.UUID, error) {
	var users []uuid.UUID
	db := s.db.WithContext(ctx)
	if err := db.Select("id").Take(&row{}, id).Error; err != nil {
		return nil, postgres.Fault(err)
	}
	err := db.Model(&attendance{}).Where("event = ? AND status IN ?", id, []event.Status{event.Going, event.Maybe}).
		Order("id").Limit(most).Pluck("user_uuid", &users).Error
	return users, postgres.Fault(err)
}
