package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
)

// Store implements pizza.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
	format message.Format
}

// NewStore makes a store that writes nothing for people whom the holder has erased, and messages in the format.
func NewStore(database *postgres.Database, holder *erasure.Holder, format message.Format) *Store {
	return &Store{db: database.DB(), holder: holder, format: format}
}

type row struct {
	ID          int64
	Title       string
	Description string
	ImageURL    string
	Creator     *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time // gorm writes both
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "pizzas" }

func rowOf(p pizza.Pizza) row { return row(p) }

func (r row) pizza() pizza.Pizza { return pizza.Pizza(r) }

// Add implements pizza.Store.
func (s *Store) Add(ctx context.Context, p pizza.Pizza) (pizza.Pizza, error) {
	r := rowOf(p)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, p.Creator); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.pizza(), postgres.Fault(err)
}

// Put implements pizza.Store.
func (s *Store) Put(ctx context.Context, p pizza.Pizza, permit func(pizza.Pizza) error) (pizza.Pizza, bool, error) {
	created := false
	r := rowOf(p)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, p.Creator); err != nil {
			return err
		}
		old, isNew, err := postgres.InsertOrLock(tx, &r, p.ID)
		if created = isNew; err != nil || created {
			return err
		}
		if err := permit(old.pizza()); err != nil {
			return err
		}
		r.CreatedAt = old.CreatedAt
		return save(tx, &r)
	})
	return r.pizza(), created, postgres.Fault(err)
}

// Change implements pizza.Store. The new creator is admitted before the row is locked; the old one is safe: an
// erasure waits for the row, and then deletes it.
func (s *Store) Change(ctx context.Context, id int64, draft pizza.Draft, permit func(pizza.Pizza) error) (pizza.Pizza, error) {
	var p pizza.Pizza
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, draft.Creator.Value); err != nil {
			return err
		}
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		p = r.pizza()
		if err := permit(p); err != nil {
			return err
		}
		draft.Apply(&p)
		r = rowOf(p)
		err = save(tx, &r)
		p = r.pizza()
		return err
	})
	return p, postgres.Fault(err)
}

// Get implements pizza.Store.
func (s *Store) Get(ctx context.Context, id int64) (pizza.Pizza, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.pizza(), postgres.Fault(err)
}

var literal = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// List implements pizza.Store.
func (s *Store) List(ctx context.Context, filter pizza.Filter, limit, offset int) ([]pizza.Pizza, int64, error) {
	query := s.db.WithContext(ctx).Model(&row{})
	if filter.IDs != nil {
		query = query.Where("id IN ?", filter.IDs)
	}
	if filter.Creator != nil {
		query = query.Where("creator = ?", *filter.Creator)
	}
	if filter.Text != "" {
		pattern := "%" + literal.Replace(filter.Text) + "%"
		query = query.Where("(title ILIKE ? OR description ILIKE ?)", pattern, pattern)
	}
	rows, count, err := postgres.Window[row](query, limit, offset)
	if err != nil {
		return nil, 0, postgres.Fault(err)
	}
	pizzas := make([]pizza.Pizza, len(rows))
	for i, r := range rows {
		pizzas[i] = r.pizza()
	}
	return pizzas, count, nil
}

// Remove implements pizza.Store.
func (s *Store) Remove(ctx context.Context, id int64, permit func(pizza.Pizza) error) error {
	return postgres.Fault(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		if err := permit(r.pizza()); err != nil {
			return err
		}
		if err := tx.Delete(&r).Error; err != nil {
			return err
		}
		return announce(tx, s.format, 0, id)
	}))
}

// admit makes sure that the creator, if it is a person, is not erased.
func (s *Store) admit(tx *gorm.DB, creator *uuid.UUID) error {
	if creator == nil {
		return nil
	}
	return s.holder.Admit(tx, *creator)
}

func save(tx *gorm.DB, r *row) error {
	return tx.Model(r).Select("Title", "Description", "ImageURL", "Creator", "UpdatedAt").Updates(r).Error
}
