package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/setting"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of tombstones and receipts.
func Schema() postgres.Schema { return postgres.Embedded("erasure", files, "schema") }

// Register lists every column that points to a person, in the order in which their rows are deleted.
type Register []Entry

// Entry says that the rows of Table whose Column holds a person's id are that person's, and go with them.
type Entry struct {
	Table, Column string
	// Delete, if set, deletes the rows of these people in place of a plain DELETE, and returns their number for each of
	// them who had any: for rows that others have to hear of, or that have to be locked in an order.
	Delete func(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error)
}

// Order asks to forget one person.
type Order struct {
	Message uuid.UUID // the message that brought it: one round of the erasure
	Erasure string
	Person  uuid.UUID
}

// Receipt says what one order did.
type Receipt struct {
	Deleted  map[string]int32 // rows, by table
	Left     int32            // rows of the person that a scan after the delete still found
	ErasedAt time.Time

	erasure string // of the order
}

// Holder erases people from one database.
type Holder struct {
	register Register
	key      []byte
}

// NewHolder makes a holder of what the register lists. The key is for its tombstones.
func NewHolder(key setting.Secret, register Register) *Holder {
	return &Holder{register: register, key: []byte(key.Reveal())}
}

// tombstone is what remains of a person.
func (h *Holder) tombstone(person uuid.UUID) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(person[:])
	return mac.Sum(nil)
}

// lockKey is the person's advisory lock. Two people who share one only wait for each other.
func lockKey(person uuid.UUID) int64 {
	sum := sha256.Sum256(person[:])
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // any 64 bits will do
}

// Admit makes sure, until tx ends, that the person is not erased. It returns fault.Gone if they already are.
func (h *Holder) Admit(tx *gorm.DB, person uuid.UUID) error {
	var erased bool
	err := tx.Exec("SELECT pg_advisory_xact_lock_shared(?)", lockKey(person)).Error
	if err == nil { // a statement of its own: it has to see what was committed while the lock was waited for
		err = tx.Raw("SELECT EXISTS (SELECT FROM tombstones WHERE person = ?)", h.tombstone(person)).Scan(&erased).Error
	}
	if err != nil {
		return fmt.Errorf("look for a tombstone: %w", err)
	}
	if erased {
		return fault.New(fault.Gone, "This person has been erased.")
	}
	return nil
}

// Hold keeps everybody whom Admit let in, and whom it would, from writing about these people until tx ends. Locks are
// taken in one order everywhere, so that two who hold several wait for one another in turn, not in a circle.
func (h *Holder) Hold(tx *gorm.DB, people ...uuid.UUID) error {
	keys := make([]int64, len(people))
	for i, person := range people {
		keys[i] = lockKey(person)
	}
	slices.Sort(keys)
	err := tx.Exec("SELECT pg_advisory_xact_lock(key) FROM unnest(?::bigint[]) AS key", postgres.Array(slices.Compact(keys))).Error
	if err != nil {
		return fmt.Errorf("lock the people: %w", err)
	}
	return nil
}
