package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Rows is what tables are built on that have versions, or tallies for [Window]: triggers and functions, which the schema
// itself explains. It comes before the schemas that use it.
func Rows() Schema { return Embedded("rows", files, "schema") }

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

// Lock reads the row of that id, which nobody else can change until tx ends. It returns gorm.ErrRecordNotFound.
func Lock[T any](tx *gorm.DB, id any) (row T, err error) {
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&row, "id = ?", id).Error
	return row, err
}

// Put stores what edit makes of the row with the id, or of nil if there is none (created is true), while nobody else can
// change it. What is left as it was is not written. It returns the row as it stands, and edit's error.
func Put[T any](tx *gorm.DB, id any, edit func(old *T) (T, error)) (stored T, created bool, err error) {
	for { // again if it was made, or went, in between
		old, err := Lock[T](tx, id)
		if err == nil {
			stored, err = replace(tx, old, edit)
			return stored, false, err
		}
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return stored, false, err
		}
		if stored, err = edit(nil); err != nil {
			return stored, false, err
		}
		if created, err = InsertAt(tx, &stored); err != nil || created {
			return stored, created, err
		}
	}
}

// replace stores what edit makes of a locked row, and reads what the database makes of that.
func replace[T any](tx *gorm.DB, old T, edit func(*T) (T, error)) (T, error) {
	before := old
	row, err := edit(&before)
	if err != nil || reflect.DeepEqual(row, old) {
		return row, err
	}
	done := tx.Model(&row).Clauses(clause.Returning{}).Select("*").Omit("created_at", "version").Updates(&row)
	if done.Error == nil && done.RowsAffected != 1 {
		return row, fmt.Errorf("update: %d rows instead of one", done.RowsAffected)
	}
	return row, done.Error
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
