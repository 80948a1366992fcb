package postgres

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/loyalty/internal/card"
)

// Store implements card.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
}

// NewStore makes a store that writes nothing for people whom the holder has erased.
func NewStore(database *postgres.Database, holder *erasure.Holder) *Store {
	return &Store{db: database.DB(), holder: holder}
}

type row struct {
	ID      uuid.UUID
	Points  int32
	Version int64 `gorm:"default:(-)"` // a trigger does
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "cards" }

func (r row) card() card.Card { return card.Card{User: r.ID, Points: r.Points, Version: r.Version} }

// Get implements card.Store.
func (s *Store) Get(ctx context.Context, user uuid.UUID) (card.Card, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, "id = ?", user).Error
	return r.card(), postgres.Fault(err)
}

// Put implements card.Store. The person is admitted before the row is locked, as everywhere: an erasure locks in this
// order too.
func (s *Store) Put(ctx context.Context, user uuid.UUID, edit func(*card.Card) (card.Card, error)) (card.Card, bool, error) {
	var r row
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		if err := s.holder.Admit(tx, user); err != nil {
			return err
		}
		r, created, err = postgres.Put(tx, user, func(old *row) (row, error) {
			var before *card.Card
			if old != nil {
				before = new(old.card())
			}
			c, err := edit(before)
			return row{ID: c.User, Points: c.Points, Version: c.Version}, err
		})
		return err
	})
	return r.card(), created, postgres.Fault(err)
}
