package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// Store implements user.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
}

// NewStore makes a store that writes nothing for people whom the holder has erased.
func NewStore(database *postgres.Database, holder *erasure.Holder) *Store {
	return &Store{db: database.DB(), holder: holder}
}

type row struct {
	ID           uuid.UUID `gorm:"column:uuid;primaryKey"` // the column id is the older, integer one
	Username     string
	Email        string
	PasswordHash string
	Staff        bool
	CreatedAt    time.Time `gorm:"default:now()"`
	UpdatedAt    time.Time `gorm:"default:now()"`
}

func (row) TableName() string { return "users" }

func (r row) user() user.User { return user.User(r) }

// Add implements user.Store.
func (s *Store) Add(ctx context.Context, u user.User) (user.User, error) {
	r := row(u)
	err := s.of(ctx, u.ID, func(tx *gorm.DB) error { return tx.Create(&r).Error })
	return r.user(), known(err, u.Username)
}

// Put implements user.Store.
func (s *Store) Put(ctx context.Context, id uuid.UUID, edit func(*user.User) (user.Edit, error)) (user.User, bool, error) {
	var r row
	created := false
	err := s.of(ctx, id, func(tx *gorm.DB) error {
		for {
			old, err := lock(tx, id)
			if err == nil {
				r, err = change(tx, old, func(u user.User) (user.Edit, error) { return edit(&u) })
				return err
			}
			if !errors.Is(err, gorm.ErrRecordNotFound) {
				return err
			}
			e, err := edit(nil)
			if err != nil {
				return err
			}
			r = row(e.User)
			done := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "uuid"}}, DoNothing: true}).Create(&r)
			if created = done.RowsAffected == 1; created || done.Error != nil {
				return done.Error
			}
		} // somebody else has just created it: again, with theirs
	})
	return r.user(), created, known(err, r.Username)
}

// Change implements user.Store.
func (s *Store) Change(ctx context.Context, id uuid.UUID, edit func(user.User) (user.Edit, error)) (user.User, error) {
	var r row
	err := s.of(ctx, id, func(tx *gorm.DB) error {
		old, err := lock(tx, id)
		if err == nil {
			r, err = change(tx, old, edit)
		}
		return err
	})
	return r.user(), known(err, r.Username)
}

// Get implements user.Store.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (user.User, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, "uuid = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) { // never, or no more?
		err = s.of(ctx, id, func(*gorm.DB) error { return gorm.ErrRecordNotFound })
	}
	return r.user(), known(err, "")
}

// ByUsername implements user.Store.
func (s *Store) ByUsername(ctx context.Context, username string) (user.User, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, "lower(username) = lower(?)", username).Error
	return r.user(), known(err, username)
}

// List implements user.Store.
func (s *Store) List(ctx context.Context, limit, offset int) ([]user.User, int64, error) {
	rows, count, err := postgres.Window[row](s.db.WithContext(ctx).Model(&row{}), limit, offset)
	if err != nil {
		return nil, 0, known(err, "")
	}
	users := make([]user.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, count, nil
}

// of runs a transaction about a person, who is not erased meanwhile. It returns Gone if they already are.
func (s *Store) of(ctx context.Context, person uuid.UUID, do func(*gorm.DB) error) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Admit(tx, person); err != nil {
			return err
		}
		return do(tx)
	})
}

// lock reads the user, whom nobody else can change until tx ends.
func lock(tx *gorm.DB, id uuid.UUID) (row, error) {
	var r row
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&r, "uuid = ?", id).Error
	return r, err
}

// change stores what edit makes of a locked user.
func change(tx *gorm.DB, old row, edit func(user.User) (user.Edit, error)) (row, error) {
	e, err := edit(old.user())
	if err != nil {
		return old, err
	}
	r := row(e.User)
	err = tx.Raw(`UPDATE users SET username = ?, email = ?, password_hash = ?, staff = ?, updated_at = now()
		WHERE uuid = ? RETURNING updated_at`, r.Username, r.Email, r.PasswordHash, r.Staff, old.ID).Scan(&r.UpdatedAt).Error
	if err != nil || !e.EndSessions {
		return r, err
	}
	return r, tx.Exec("DELETE FROM sessions WHERE user_uuid = ? AND id <> ?", old.ID, e.Keep).Error
}

// known turns what the database says into what the domain knows.
func known(err error, username string) error {
	if postgres.Constraint(err) == "users_username" {
		return fault.New(fault.Conflict, fmt.Sprintf("The username %q is taken.", username))
	}
	return postgres.Fault(err)
}
