package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
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
	Version     int64     `gorm:"default:(-)"` // a trigger does
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "pizzas" }

// ListKey implements postgres.Listed.
func (r row) ListKey() (key, version int64) { return r.ID, r.Version }

func (r row) pizza() pizza.Pizza { return pizza.Pizza(r) }

// Add implements pizza.Store.
func (s *Store) Add(ctx context.Context, p pizza.Pizza) (pizza.Pizza, error) {
	r := row(p)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.admit(tx, p.Creator); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.pizza(), postgres.Fault(err)
}

// Put implements pizza.Store. The creator that it may get is admitted before the row is locked; the one it has is safe: an
// erasure waits for the row, and then deletes it.
func (s *Store) Put(ctx context.Context, id int64, creator *uuid.UUID, edit func(*pizza.Pizza) (pizza.Pizza, error)) (pizza.Pizza, bool, error) {
	var r row
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		if err := s.admit(tx, creator); err != nil {
			return err
		}
		r, created, err = postgres.Put(tx, id, func(old *row) (row, error) {
			p, err := edit((*pizza.Pizza)(old))
			return row(p), err
		})
		return err
	})
	return r.pizza(), created, postgres.Fault(err)
}

// Get implements pizza.Store.
func (s *Store) Get(ctx context.Context, id int64) (pizza.Pizza, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.pizza(), postgres.Fault(err)
}

// Version implements pizza.Store.
func (s *Store) Version(ctx context.Context, id int64) (int64, error) {
	var r row
	err := s.db.WithContext(ctx).Select("version").Take(&r, id).Error
	return r.Version, postgres.Fault(err)
}

var byID = postgres.Order{Key: "id", Tallied: true}

var literal = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// List implements pizza.Store.
func (s *Store) List(ctx context.Context, filter pizza.Filter, window page.Window) (page.Result[pizza.Pizza], error) {
	query := s.db.WithContext(ctx)
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
	result, err := postgres.Window[row](query, byID, window)
	return page.Map(result, row.pizza), postgres.Fault(err)
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
