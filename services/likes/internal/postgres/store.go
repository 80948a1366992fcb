package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
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
	Version   int64     `gorm:"default:(-)"` // a trigger does
}

// TableName tells gorm.
func (row) TableName() string { return "likes" }

// ListKey implements postgres.Listed.
func (r row) ListKey() (key, version int64) { return r.ID, r.Version }

func rowOf(l like.Like) row {
	return row{ID: l.ID, UserUUID: l.User, PizzaID: l.Pizza, CreatedAt: l.CreatedAt, Version: l.Version}
}

func (r row) like() like.Like {
	return like.Like{ID: r.ID, User: r.UserUUID, Pizza: r.PizzaID, CreatedAt: r.CreatedAt, Version: r.Version}
}

// Add implements like.Store.
func (s *Store) Add(ctx context.Context, l like.Like) (like.Like, error) {
	r := rowOf(l)
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, l.User); err != nil {
			return err
		}
		return postgres.InsertNext(tx, &r)
	})
	return r.like(), known(err)
}

// Put implements like.Store. The person whose like it may become is admitted before the row is locked; the one whose it
// is is safe: an erasure waits for the row, and then deletes it. They are held too: of two who put the same like at once,
// the second waits and then finds it, where ON CONFLICT (id) would sometimes meet likes_once first.
func (s *Store) Put(ctx context.Context, id int64, person *uuid.UUID, edit func(*like.Like) (like.Like, error)) (like.Like, bool, error) {
	var r row
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		if person != nil {
			if err := s.holder.Hold(tx, *person); err != nil {
				return err
			}
			if err := s.holder.Admit(tx, *person); err != nil {
				return err
			}
		}
		r, created, err = postgres.Put(tx, id, func(old *row) (row, error) {
			if old == nil {
				l, err := edit(nil)
				return rowOf(l), err
			}
			l, err := edit(new(old.like()))
			return rowOf(l), err
		})
		return err
	})
	return r.like(), created, known(err)
}

// Get implements like.Store.
func (s *Store) Get(ctx context.Context, id int64) (like.Like, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, id).Error
	return r.like(), known(err)
}

// Head implements like.Store.
func (s *Store) Head(ctx context.Context, id int64) (like.Like, error) {
	var r row
	err := s.db.WithContext(ctx).Select("user_uuid", "version").Take(&r, id).Error
	return r.like(), known(err)
}

var byID = postgres.Order{Key: "id", Tallied: true}

// List implements like.Store.
func (s *Store) List(ctx context.Context, filter like.Filter, window page.Window) (page.Result[like.Like], error) {
	query := s.db.WithContext(ctx)
	if filter.User != nil {
		query = query.Where("user_uuid = ?", *filter.User)
	}
	if filter.Pizza != nil {
		query = query.Where("pizza_id = ?", *filter.Pizza)
	}
	result, err := postgres.Window[row](query, byID, window)
	return page.Map(result, row.like), known(err)
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

// known turns what the database says into what the domain knows.
func known(err error) error {
	if postgres.Constraint(err) == "likes_once" {
		return fault.New(fault.Conflict, "This person already likes this pizza.")
	}
	return postgres.Fault(err)
}
