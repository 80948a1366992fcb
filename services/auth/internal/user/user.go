// Package user is the domain of people: who they are, how they prove it, and the sessions in which they have.
package user

import (
	"context"
	"time"

	"github.com/google/uuid"
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

// Store keeps users and their sessions. Each method is one transaction. Methods that take the id of a user return
// Gone if that person has been erased.
type Store interface {
	// Add returns Conflict if the username is taken.
	Add(context.Context, User) (User, error)
	// Put stores what edit makes of the user at the id, or of nil if there is none (created is true), while nobody else
	// can change it. It returns Conflict if the username is taken, and edit's error.
	Put(ctx context.Context, id uuid.UUID, edit func(old *User) (Edit, error)) (stored User, created bool, err error)
	// Change is Put for a user who exists. It returns NotFound.
	Change(ctx context.Context, id uuid.UUID, edit func(old User) (Edit, error)) (User, error)
	// Get returns NotFound.
	Get(ctx context.Context, id uuid.UUID) (User, error)
	// ByUsername finds a user by name, whatever its case. It returns NotFound.
	ByUsername(ctx context.Context, username string) (User, error)
	// List returns a window of the users in the order in which they came, and how many there are in all.
	List(ctx context.Context, limit, offset int) ([]User, int64, error)

	// AddSession begins a session of the user. It returns NotFound if they are gone, or have another password by now.
	AddSession(ctx context.Context, user User, session Session) (Session, error)
	// Session returns NotFound for a session that has ended.
	Session(ctx context.Context, id uuid.UUID) (Session, error)
	// EndSession ends a session, if it is still there.
	EndSession(ctx context.Context, id uuid.UUID) error
	// EndSessions ends all sessions of a user. It returns NotFound.
	EndSessions(ctx context.Context, user uuid.UUID) error
}

// Passwords hashes and compares. Both methods return Unavailable while too many others are at it.
type Passwords interface {
	// Hash takes a password whose length has been looked at.
	Hash(ctx context.Context, password string) (string, error)
	// Match says whether the hash is the password's. It takes the same time whatever it says, also for the empty hash,
	// which is nobody's.
	Match(ctx context.Context, hash, password string) (bool, error)
}
