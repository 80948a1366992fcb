// Package user is the domain of people: who they are, how they prove it, and the sessions in which they have.
package user

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// User is a person with an account.
type User struct {
	ID           uuid.UUID
	Username     string // one per person, whatever its case
	Email        string
	PasswordHash string // knows itself how it was made
	Staff        bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Version      int64 // another one after every write
}

// Draft is what a caller says of a user; nil is left unsaid.
type Draft struct {
	Username *string
	Email    *string
	Password *string
	Staff    *bool
}

// Edit is what becomes of a user.
type Edit struct {
	User User
	// EndSessions logs the person out everywhere but in the session Keep.
	EndSessions bool
	Keep        uuid.UUID
}

// Session is a person's proof of who they are, until it expires or is ended.
type Session struct {
	ID        uuid.UUID
	User      uuid.UUID
	Staff     bool
	CreatedAt time.Time
	ExpiresAt time.Time // to the second
}

// Version tells a session from all others. It has no other state: what could change ends it.
func (s Session) Version() int64 {
	// Of the 64 bits the first two say which kind of UUID it is; one of another byte makes them 63.
	return int64(binary.BigEndian.Uint64(s.ID[8:])<<2>>1 | uint64(s.ID[0]&1)) //nolint:gosec // 63 bits
}

// Store keeps users and their sessions. Each method is one transaction. Methods that take the id of a user return
// Gone if that person has been erased.
type Store interface {
	// Add returns Conflict if the username is taken.
	Add(context.Context, User) (User, error)
	// Put stores what edit makes of the user at the id, or of nil if there is none (created is true), while nobody else
	// can change it. An edit that changes nothing is not written. It returns Conflict if the username is taken, and edit's
	// error.
	Put(ctx context.Context, id uuid.UUID, edit func(old *User) (Edit, error)) (stored User, created bool, err error)
	// Change is Put for a user who exists. It returns NotFound.
	Change(ctx context.Context, id uuid.UUID, edit func(old User) (Edit, error)) (User, error)
	// Get returns NotFound.
	Get(ctx context.Context, id uuid.UUID) (User, error)
	// Version is that of a user. It returns NotFound.
	Version(ctx context.Context, id uuid.UUID) (int64, error)
	// ByUsername finds a user by name, whatever its case. It returns NotFound.
	ByUsername(ctx context.Context, username string) (User, error)
	// List returns a window of the users in the order in which they came.
	List(context.Context, page.Window) (page.Result[User], error)

	// AddSession begins a session of the user. It returns NotFound if they are gone, or have another password by now.
	AddSession(ctx context.Context, user User, session Session) (Session, error)
	// Session returns NotFound for a session that has ended.
	Session(ctx context.Context, id uuid.UUID) (Session, error)
	// EndSession ends a session, if it is still there.
	EndSession(ctx context.Context, id uuid.UUID) error
	// EndSessions ends all sessions of a user. It returns NotFound, and the condition's error if it does not hold for the
	// version of the user.
	EndSessions(ctx context.Context, user uuid.UUID, condition version.Condition) error
}

// Passwords hashes and compares. Both methods return Unavailable while too many others are at it.
type Passwords interface {
	// Hash takes a password whose length has been looked at.
	Hash(ctx context.Context, password string) (string, error)
	// Match says whether the hash is the password's. It takes the same time whatever it says, also for the empty hash,
	// which is nobody's.
	Match(ctx context.Context, hash, password string) (bool, error)
}
