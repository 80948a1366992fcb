package postgres

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/fault"
)

var keepExisting = clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoNothing: true}

// InsertNext inserts row under the next free number of its "id", which is filled in. Numbers that InsertAt has used
// before are passed over; each costs one try, once.
func InsertNext[T any](tx *gorm.DB, row *T) error {
	for {
		done := tx.Clauses(keepExisting).Omit("ID").Create(row)
		if done.Error != nil {
			return fmt.Errorf("insert: %w", done.Error)
		}
		if done.RowsAffected == 1 {
			return nil
		}
	}
}

// InsertAt inserts row under the "id" it has, unless that is taken: then it changes nothing and returns false.
func InsertAt[T any](tx *gorm.DB, row *T) (bool, error) {
	done := tx.Clauses(keepExisting).Create(row)
	if done.Error != nil {
		return false, fmt.Errorf("insert: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

// InsertOrLock inserts row at the id it has (created is true) or, if that is taken, returns the row there, locked until
// tx ends.
func InsertOrLock[T any](tx *gorm.DB, row *T, id any) (old T, created bool, err error) {
	for { // again if what was there goes before it could be locked
		if created, err = InsertAt(tx, row); err != nil || created {
			return old, created, err
		}
		if old, err = Lock[T](tx, id); !errors.Is(err, gorm.ErrRecordNotFound) {
			return old, false, err
		}
	}
}

// Window reads limit rows of the query from offset on, in the order of their ids, and counts them all.
func Window[T any](query *gorm.DB, limit, offset int) (rows []T, count int64, err error) {
	query = query.Session(&gorm.Session{})
	if err := query.Count(&count).Error; err != nil {
		return nil, 0, fmt.Errorf("count: %w", err)
	}
	if limit == 0 || int64(offset) >= count {
		return nil, count, nil
	}
	if err := query.Order("id").Limit(limit).Offset(offset).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("read a window: %w", err)
	}
	return rows, count, nil
}

// Lock reads the row of that id, which nobody else can change until tx ends. It returns gorm.ErrRecordNotFound.
func Lock[T any](tx *gorm.DB, id any) (row T, err error) {
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&row, "id = ?", id).Error
	return row, err
}

// Fault turns what every store meets into what callers understand: a row that is not there, a server that is down.
func Fault(err error) error {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fault.NotFound()
	case errors.Is(err, context.DeadlineExceeded): // its time is over, whoever took it
		return err
	case Retryable(err):
		return fault.Unavailable("The database is not available.", err)
	}
	return err
}
