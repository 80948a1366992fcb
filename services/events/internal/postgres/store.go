package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
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
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "events" }

func rowOf(e event.Event) row { return row(e) }

func (r row) event() event.Event { return event.Event(r) }

// Add implements event.Store.
func (s *Store) Add(ctx context.Context, e event.Event) (event.Event, error) {
	r := rowOf(e)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, e.Host); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.event(), postgres.Fault(err)
}

// Put implements event.Store.
func (s *Store) Put(ctx context.Context, e event.Event, permit func(event.Event) error) (event.Event, bool, error) {
	created := false
	r := rowOf(e)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, e.Host); err != nil {
			return err
		}
		old, isNew, err := postgres.InsertOrLock(tx, &r, e.ID)
		if created = isNew; err != nil || created {
			return err
		}
		if err := permit(old.event()); err != nil {
			return err
		}
		r.CreatedAt = old.CreatedAt
		return save(tx, &r)
	})
	return r.event(), created, postgres.Fault(err)
}

// Change implements event.Store. The new host is admitted before the row is locked: an erasure of somebody who attends
// takes the two locks in that order too. The old host is safe: an erasure waits for the row, and then deletes it.
func (s *Store) Change(ctx context.Context, id int64, draft event.Draft, permit func(event.Event) error) (event.Event, error) {
	var e event.Event
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, draft.Host.Value); err != nil {
			return err
		}
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		e = r.event()
		if err := permit(e); err != nil {
			return err
		}
		draft.Apply(&e)
		r = rowOf(e)
		err = save(tx, &r)
		e = r.event()
		return err
	})
	return e, postgres.Fault(err)
}

// Get implements event.Store.
func (s *Store) Get(ctx context.Context, id int64) (event.Event, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.event(), postgres.Fault(err)
}

// List implements event.Store.
func (s *Store) List(ctx context.Context, filter event.Filter, limit, offset int) ([]event.Event, int64, error) {
	query := s.db.WithContext(ctx).Model(&row{})
	if filter.Host != nil {
		query = query.Where("host = ?", *filter.Host)
	}
	if filter.From != nil {
		query = query.Where("starts_at >= ?", *filter.From)
	}
	if filter.To != nil {
		query = query.Where("starts_at < ?", *filter.To)
	}
	rows, count, err := postgres.Window[row](query, limit, offset)
	if err != nil {
		return nil, 0, postgres.Fault(err)
	}
	events := make([]event.Event, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, count, nil
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

func save(tx *gorm.DB, r *row) error {
	return tx.Model(r).Select("Title", "Description", "Place", "StartsAt", "Pizza", "Host", "UpdatedAt").Updates(r).Error
}
