package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/events/internal/event"
)

type attendance struct {
	ID        int64
	Event     int64
	UserUUID  uuid.UUID
	Status    event.Status
	CreatedAt time.Time
	UpdatedAt time.Time // gorm writes both
	Version   int64     `gorm:"default:(-)"` // a trigger does
}

// TableName implements gorm's Tabler.
func (attendance) TableName() string { return "attendances" }

// ListKey implements postgres.Listed.
func (a attendance) ListKey() (key, version int64) { return a.ID, a.Version }

func (a attendance) attendance() event.Attendance {
	return event.Attendance{
		Event: a.Event, User: a.UserUUID, Status: a.Status, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Version: a.Version,
	}
}

// Attend implements event.Store.
func (s *Store) Attend(ctx context.Context, id int64, user uuid.UUID, status event.Status, condition version.Condition) (event.Attendance, bool, error) {
	var a attendance
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, user); err != nil {
			return err
		}
		for { // again if it was made, or went, in between
			a = attendance{Event: id, UserUUID: user, Status: status}
			done := tx.Clauses(onceEach).Create(&a)
			if done.Error != nil {
				return done.Error
			}
			if created = done.RowsAffected == 1; created {
				return condition.OnNothing()
			}
			err := change(tx, &a, condition)
			if !errors.Is(err, gorm.ErrRecordNotFound) {
				return err
			}
		}
	})
	if postgres.Constraint(err) == "attendances_event" {
		err = fault.NotFound()
	}
	return a.attendance(), created, postgres.Fault(err)
}

var onceEach = clause.OnConflict{Columns: []clause.Column{{Name: "event"}, {Name: "user_uuid"}}, DoNothing: true}

// change gives a person's answer the status of a, unless it has it.
func change(tx *gorm.DB, a *attendance, condition version.Condition) error {
	old, err := lockAttendance(tx, a.Event, a.UserUUID)
	if err != nil {
		return err
	}
	if err := condition.On(old.Version); err != nil {
		return err
	}
	status := a.Status
	if *a = old; old.Status == status {
		return nil
	}
	a.Status = status
	return tx.Model(a).Clauses(clause.Returning{}).Select("status", "updated_at").Updates(a).Error
}

func lockAttendance(tx *gorm.DB, id int64, user uuid.UUID) (attendance, error) {
	var a attendance
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&a, "event = ? AND user_uuid = ?", id, user).Error
	return a, err
}

// Attendance implements event.Store.
func (s *Store) Attendance(ctx context.Context, id int64, user uuid.UUID) (event.Attendance, error) {
	var a attendance
	err := s.db.WithContext(ctx).Take(&a, "event = ? AND user_uuid = ?", id, user).Error
	return a.attendance(), postgres.Fault(err)
}

// AttendanceVersion implements event.Store.
func (s *Store) AttendanceVersion(ctx context.Context, id int64, user uuid.UUID) (int64, error) {
	var a attendance
	err := s.db.WithContext(ctx).Select("version").Take(&a, "event = ? AND user_uuid = ?", id, user).Error
	return a.Version, postgres.Fault(err)
}

// Attendances implements event.Store.
func (s *Store) Attendances(ctx context.Context, id int64, user *uuid.UUID, window page.Window) (page.Result[event.Attendance], error) {
	query := s.db.WithContext(ctx).Where("event = ?", id)
	if user != nil {
		query = query.Where("user_uuid = ?", *user)
	}
	result, err := postgres.Window[attendance](query, postgres.Order{Key: "id"}, window)
	return page.Map(result, attendance.attendance), postgres.Fault(err)
}

// Unattend implements event.Store.
func (s *Store) Unattend(ctx context.Context, id int64, user uuid.UUID, condition version.Condition) error {
	return postgres.Fault(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		a, err := lockAttendance(tx, id, user)
		if err != nil {
			return err
		}
		if err := condition.On(a.Version); err != nil {
			return err
		}
		return tx.Delete(&a).Error
	}))
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
