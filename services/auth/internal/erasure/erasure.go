package erasure

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Deadline is how long an erasure may take: the law's month.
const Deadline = 30 * 24 * time.Hour

// FirstReminder is when holders are told for the second time. Each further time comes after twice the delay, at most
// LongestDelay.
const (
	FirstReminder = 30 * time.Second
	LongestDelay  = time.Hour
)

// State is how far an erasure is.
type State string

// The states.
const (
	Pending  State = "pending"
	Overdue  State = "overdue" // pending after its deadline
	Complete State = "complete"
)

// Erasure is one person's.
type Erasure struct {
	ID          string    // 128 random bits in hexadecimal: who knows it may see the erasure
	Message     uuid.UUID // the id of every copy of its message
	Person      uuid.UUID
	Number      int64 // the person's older id
	RequestedAt time.Time
	DueAt       time.Time
	CompletedAt *time.Time
	Holders     []Holder // by name
}

// State is how far the erasure is at the time now.
func (e Erasure) State(now time.Time) State {
	switch {
	case e.CompletedAt != nil:
		return Complete
	case now.After(e.DueAt):
		return Overdue
	}
	return Pending
}

// HolderState is how far one holder is.
type HolderState string

// The states of a holder.
const (
	HolderPending HolderState = "pending"
	HolderErased  HolderState = "erased"
	HolderRetired HolderState = "retired"
)

// Holder is a service that an erasure waits for, or has waited for.
type Holder struct {
	Service  string
	State    HolderState
	Deleted  map[string]int32 // rows, by table
	Left     *int32           // rows that a scan after the delete still found; nil before there is a receipt
	ErasedAt *time.Time
}

// Receipt is a holder's answer.
type Receipt struct {
	Message  uuid.UUID // the message that brought it
	Erasure  string
	Person   uuid.UUID
	Service  string
	Deleted  map[string]int32
	Left     int32
	ErasedAt time.Time
}

// Store keeps the ledger. Each method is one transaction.
type Store interface {
	// Begin forgets the person here, and opens the erasure in which everybody else does; it fills in what only it knows.
	// If the person has an erasure already, it returns that one. It returns NotFound if there has never been such a
	// person, and the condition's error if it does not hold for the version of the user.
	Begin(context.Context, Erasure, version.Condition) (Erasure, error)
	// Get returns NotFound.
	Get(ctx context.Context, id string) (Erasure, error)
	// List returns a window of the erasures, the newest first, without a fingerprint: how far one is, time tells too.
	List(context.Context, page.Window) (page.Result[Erasure], error)

	// Receive notes receipts, each once per message and queue: all of them or, with an error, none. It returns NotFound if
	// for one of them there is no such erasure of that person.
	Receive(ctx context.Context, queue string, receipts ...Receipt) error
	// Register makes holders known. Open erasures wait for those that were not before.
	Register(ctx context.Context, services []string) error
	// Retire takes holders out: no erasure waits for them any more.
	Retire(ctx context.Context, services []string) error
	// Remind sends the message of open erasures whose time has come again, at most limit of them, and says how many.
	Remind(ctx context.Context, limit int) (int, error)
}

// open is a new erasure of the person.
func open(person uuid.UUID) Erasure {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return Erasure{ID: hex.EncodeToString(id), Message: uuid.New(), Person: person}
}
