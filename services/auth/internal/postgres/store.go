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
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// Store implements user.Store.
type Store struct {
	db     *gorm.DB
	holder *erasure.Holder
	format message.Format
}

// NewStore makes a store that writes nothing for people whom the holder has erased, and announces the ends of sessions
// in the format.
func NewStore(database *postgres.Database, holder *erasure.Holder, format message.Format) *Store {
	return &Store{db: database.DB(), holder: holder, format: format}
}

type row struct {
	ID           uuid.UUID `gorm:"column:uuid;primaryKey"` // the column id is the older, integer one
	Username     string
	Email        string
	PasswordHash string
	Staff        bool
	CreatedAt    time.Time `gorm:"default:now()"`
	UpdatedAt    time.Time `gorm:"default:now()"`
	Version      int64     `gorm:"default:(-)"` // a trigger does
}

func (row) TableName() string { return "users" }

// listed is a user in the list. Its key is no number that others know the user by. gorm does not see into an embedded
// type that is not exported, unless a field is named after it.
type listed struct {
	Row      row `gorm:"embedded"`
	Position int64
}

func (listed) TableName() string { return row{}.TableName() }

// ListKey implements postgres.Listed.
func (l listed) ListKey() (key, version int64) { return l.Position, l.Row.Version }

func (l listed) user() user.User { return l.Row.user() }

func (r row) user() user.User { return user.User(r) }

// Add implements user.Store.
func (s *Store) Add(ctx context.Context, u user.User) (user.User, error) {
	r := row(u)
	err := s.of(ctx, u.ID, func(tx *gorm.DB) error { return tx.Create(&r).Error })
	return r.user(), known(err, u.Username)
}

// Put implements user.Store. It holds the person: of two who create one at once, the second waits and then finds them,
// where ON CONFLICT (uuid) would sometimes meet the username first, and call that taken.
func (s *Store) Put(ctx context.Context, id uuid.UUID, edit func(*user.User) (user.Edit, error)) (user.User, bool, error) {
	var r row
	created := false
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.holder.Hold(tx, id); err != nil {
			return err
		}
		if err := s.holder.Admit(tx, id); err != nil {
			return err
		}
		old, err := lock(tx, id)
		if err == nil {
			r, err = s.change(tx, old, func(u user.User) (user.Edit, error) { return edit(&u) })
			return err
		}
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		e, err := edit(nil)
		if err != nil {
			return err
		}
		r, created = row(e.User), true
		return tx.Create(&r).Error
	})
	return r.user(), created, known(err, r.Username)
}

// Change implements user.Store.
func (s *Store) Change(ctx context.Context, id uuid.UUID, edit func(user.User) (user.Edit, error)) (user.User, error) {
	var r row
	err := s.of(ctx, id, func(tx *gorm.DB) error {
		old, err := lock(tx, id)
		if err == nil {
			r, err = s.change(tx, old, edit)
		}
		return err
	})
	return r.user(), known(err, r.Username)
}

// Get implements user.Store.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (user.User, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, "uuid = ?", id).Error
	return r.user(), known(s.absent(ctx, id, err), "")
}

// Version implements user.Store.
func (s *Store) Version(ctx context.Context, id uuid.UUID) (int64, error) {
	var r row
	err := s.db.WithContext(ctx).Select("version").Take(&r, "uuid = ?", id).Error
	return r.Version, known(s.absent(ctx, id, err), "")
}

// absent tells one who has been erased from one who has never been here.
func (s *Store) absent(ctx context.Context, id uuid.UUID, err error) error {
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	return s.of(ctx, id, func(*gorm.DB) error { return gorm.ErrRecordNotFound })
}

// ByUsername implements user.Store.
func (s *Store) ByUsername(ctx context.Context, username string) (user.User, error) {
	var r row
	err := s.db.WithContext(ctx).Take(&r, "lower(username) = lower(?)", username).Error
	return r.user(), known(err, username)
}

var asTheyCame = postgres.Order{Key: "position", Tallied: true}

// List implements user.Store.
func (s *Store) List(ctx context.Context, window page.Window) (page.Result[user.User], error) {
	result, err := postgres.Window[listed](s.db.WithContext(ctx), asTheyCame, window)
	return page.Map(result, listed.user), known(err, "")
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
func (s *Store) change(tx *gorm.DB, old row, edit func(user.User) (user.Edit, error)) (row, error) {
	e, err := edit(old.user())
	r := row(e.User)
	if err != nil || r == old && !e.EndSessions {
		return r, err
	}
	err = tx.Raw(`UPDATE users SET username = ?, email = ?, password_hash = ?, staff = ?, updated_at = now()
		WHERE uuid = ? RETURNING updated_at, version`, r.Username, r.Email, r.PasswordHash, r.Staff, old.ID).
		Row().Scan(&r.UpdatedAt, &r.Version) // gorm's own Scan would empty the rest of r
	if err != nil || !e.EndSessions {
		return r, err
	}
	_, err = revoke(tx, s.format, "user_uuid = ? AND id <> ?", old.ID, e.Keep)
	return r, err
}

// known turns what the database says into what the domain knows.
func known(err error, username string) error {
	if postgres.Constraint(err) == "users_username" {
		return fault.New(fault.Conflict, fmt.Sprintf("The username %q is taken.", username))
	}
	return postgres.Fault(err)
}
