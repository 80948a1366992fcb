package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/events/internal/event"
)

// Store implements event.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
}

// NewStore makes a store that writes nothing for people whom the holder has erased.
func NewStore(database *postgres.Database, holder *erasure.Holder) *Store {
	return &Store{db: database.DB(), holder: holder}
}

type row struct {
	ID          int64
	Title       string
	Description string
	Place       string
	StartsAt    time.Time
	Pizza       *int64
	Host        *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time // gorm writes both
	Version     int64     `gorm:"default:(-)"` // a trigger does
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "events" }

// ListKey implements postgres.Listed.
func (r row) ListKey() (key, version int64) { return r.ID, r.Version }

func (r row) event() event.Event { return event.Event(r) }

// Add implements event.Store.
func (s *Store) Add(ctx context.Context, e event.Event) (event.Event, error) {
	r := row(e)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, e.Host); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.event(), postgres.Fault(err)
}

// Put implements event.Store. The host that it may get is admitted before the row is locked: an erasure of somebody who
// attends takes the two locks in that order too. The host it has is safe: an erasure waits for the row, and then deletes
// it.
func (s *Store) Put(ctx context.Context, id int64, host *uuid.UUID, edit func(*event.Event) (event.Event, error)) (event.Event, bool, error) {
	var r row
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		if err := s.admit(tx, host); err != nil {
			return err
		}
		r, created, err = postgres.Put(tx, id, func(old *row) (row, error) {
			e, err := edit((*event.Event)(old))
			return row(e), err
		})
		return err
	})
	return r.event(), created, postgres.Fault(err)
}

// Get implements event.Store.
func (s *Store) Get(ctx context.Context, id int64) (event.Event, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.event(), postgres.Fault(err)
}

// Version implements event.Store.
func (s *Store) Version(ctx context.Context, id int64) (int64, error) {
	var r row
	err := s.db.WithContext(ctx).Select("version").Take(&r, id).Error
	return r.Version, postgres.Fault(err)
}

var byID = postgres.Order{Key: "id", Tallied: true}

// List implements event.Store.
func (s *Store) List(ctx context.Context, filter event.Filter, window page.Window) (page.Result[event.Event], error) {
	query := s.db.WithContext(ctx)
	if filter.Host != nil {
		query = query.Where("host = ?", *filter.Host)
	}
	if filter.From != nil {
		query = query.Where("starts_at >= ?", *filter.From)
	}
	if filter.To != nil {
		query = query.Where("starts_at < ?", *filter.To)
	}
	result, err := postgres.Window[row](query, byID, window)
	return page.Map(result, row.event), postgres.Fault(err)
}

// Remove implements event.Store. The attendances go by the foreign key.
func (s *Store) Remove(ctx context.Context, id int64, permit func(event.Event) error) error {
	return postgres.Fault(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		if err := permit(r.event()); err != nil {
			return err
		}
		return tx.Delete(&r).Error
	}))
}

// admit makes sure that the host, if it is a person, is not erased.
func (s *Store) admit(tx *gorm.DB, host *uuid.UUID) error {
	if host == nil {
		return nil
	}
	return s.holder.Admit(tx, *host)
}
