package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/likes/internal/like"
)

// Store implements like.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
}

// NewStore makes a store that writes nothing for people whom the holder has erased.
func NewStore(database *postgres.Database, holder *erasure.Holder) *Store {
	return &Store{db: database.DB(), holder: holder}
}

type row struct {
	ID        int64
	UserUUID  uuid.UUID
	PizzaID   int64
	CreatedAt time.Time `gorm:"default:now()"`
}

// TableName tells gorm.
func (row) TableName() string { return "likes" }

func (r row) like() like.Like {
	return like.Like{ID: r.ID, User: r.UserUUID, Pizza: r.PizzaID, CreatedAt: r.CreatedAt}
}

// Add implements like.Store.
func (s *Store) Add(ctx context.Context, l like.Like) (like.Like, error) {
	r := row{UserUUID: l.User, PizzaID: l.Pizza}
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, l.User); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.like(), known(err)
}

// Put implements like.Store.
func (s *Store) Put(ctx context.Context, l like.Like, permit func(like.Like) error) (like.Like, bool, error) {
	created := false
	r := row{ID: l.ID, UserUUID: l.User, PizzaID: l.Pizza}
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, l.User); err != nil {
			return err
		}
		old, isNew, err := postgres.InsertOrLock(tx, &r, l.ID)
		if created = isNew; err != nil || created {
			return err
		}
		if err := permit(old.like()); err != nil {
			return err
		}
		r.CreatedAt = old.CreatedAt
		return save(tx, r)
	})
	return r.like(), created, known(err)
}

// Change implements like.Store.
func (s *Store) Change(ctx context.Context, id int64, change func(*like.Like) error) (like.Like, error) {
	var l like.Like
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		l = r.like()
		if err := change(&l); err != nil {
			return err
		}
		if l.User != r.UserUUID { // the row's own person is safe: an erasure waits for this row, and then deletes it
			if err := s.holder.Admit(tx, l.User); err != nil {
				return err
			}
		}
		r.UserUUID, r.PizzaID = l.User, l.Pizza
		return save(tx, r)
	})
	return l, known(err)
}

// Get implements like.Store.
func (s *Store) Get(ctx context.Context, id int64) (like.Like, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.like(), known(err)
}

// List implements like.Store.
func (s *Store) List(ctx context.Context, filter like.Filter, limit, offset int) ([]like.Like, int64, error) {
	query := s.db.WithContext(ctx).Model(&row{})
	if filter.User != nil {
		query = query.Where("user_uuid = ?", *filter.User)
	}
	if filter.Pizza != nil {
		query = query.Where("pizza_id = ?", *filter.Pizza)
	}
	rows, count, err := postgres.Window[row](query, limit, offset)
	if err != nil {
		return nil, 0, known(err)
	}
	likes := make([]like.Like, len(rows))
	for i, r := range rows {
		likes[i] = r.like()
	}
	return likes, count, nil
}

// Remove implements like.Store.
func (s *Store) Remove(ctx context.Context, id int64, permit func(like.Like) error) error {
	return known(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r, err := postgres.Lock[row](tx, id)
		if err != nil {
			return err
		}
		if err := permit(r.like()); err != nil {
			return err
		}
		return tx.Delete(&r).Error
	}))
}

// Counts implements like.Store.
func (s *Store) Counts(ctx context.Context, pizzas []int64) (map[int64]int64, error) {
	var rows []struct{ PizzaID, Count int64 }
	err := s.db.WithContext(ctx).Raw("SELECT pizza_id, count(*) FROM likes WHERE pizza_id IN ? GROUP BY pizza_id", pizzas).Scan(&rows).Error
	if err != nil {
		return nil, known(err)
	}
	counts := make(map[int64]int64, len(rows))
	for _, r := range rows {
		counts[r.PizzaID] = r.Count
	}
	return counts, nil
}

func save(tx *gorm.DB, r row) error {
	return tx.Model(&r).Select("UserUUID", "PizzaID").Updates(&r).Error
}

// known turns what the database says into what the domain knows.
func known(err error) error {
	if postgres.Constraint(err) == "likes_once" {
		return fault.New(fault.Conflict, "This person already likes this pizza.")
	}
	return postgres.Fault(err)
}
