package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
	// Delete, if set, deletes the person's rows in place of a plain DELETE, and returns their number: for rows that
	// others have to hear of.
	Delete func(tx *gorm.DB, person uuid.UUID) (int64, error)
}

func (e Entry) delete(tx *gorm.DB, person uuid.UUID) (int64, error) {
	if e.Delete != nil {
		return e.Delete(tx, person)
	}
	done := tx.Exec("DELETE FROM ? WHERE ? = ?", clause.Table{Name: e.Table}, clause.Column{Name: e.Column}, person)
	return done.RowsAffected, done.Error
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

// Hold keeps everybody whom Admit let in, and whom it would, from writing about the person until tx ends.
func (h *Holder) Hold(tx *gorm.DB, person uuid.UUID) error {
	if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", lockKey(person)).Error; err != nil {
		return fmt.Errorf("lock the person: %w", err)
	}
	return nil
}

// Erase forgets the person in tx and returns the receipt; for a message that has been here before, the receipt of
// that time.
func (h *Holder) Erase(tx *gorm.DB, order Order) (Receipt, error) {
	if err := h.Hold(tx, order.Person); err != nil {
		return Receipt{}, err
	}
	if receipt, found, err := find(tx, order.Message); err != nil || found {
		return receipt, err
	}
	receipt := Receipt{Deleted: map[string]int32{}}
	for _, e := range h.register {
		rows, err := e.delete(tx, order.Person)
		if err != nil {
			return Receipt{}, fmt.Errorf("erase %s.%s: %w", e.Table, e.Column, err)
		}
		receipt.Deleted[e.Table] += int32(rows) //nolint:gosec // rows of one person
	}
	for _, e := range h.register {
		var left int32
		err := tx.Raw("SELECT count(*) FROM ? WHERE ? = ?", clause.Table{Name: e.Table}, clause.Column{Name: e.Column}, order.Person).
			Scan(&left).Error
		if err != nil {
			return Receipt{}, fmt.Errorf("scan %s.%s: %w", e.Table, e.Column, err)
		}
		receipt.Left += left
	}
	// SELECT, since gorm takes a []byte that is alone in parentheses for a list.
	err := tx.Exec("INSERT INTO tombstones (person) SELECT ? ON CONFLICT DO NOTHING", h.tombstone(order.Person)).Error
	if err != nil {
		return Receipt{}, fmt.Errorf("leave a tombstone: %w", err)
	}
	if err := keep(tx, order, &receipt); err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

func keep(tx *gorm.DB, order Order, receipt *Receipt) error {
	deleted, err := json.Marshal(receipt.Deleted)
	if err != nil {
		return fmt.Errorf("keep the receipt: %w", err)
	}
	err = tx.Raw(`INSERT INTO receipts (message_id, erasure_id, deleted, remaining) VALUES (?, ?, ?, ?) RETURNING erased_at`,
		order.Message, order.Erasure, string(deleted), receipt.Left).Scan(&receipt.ErasedAt).Error
	if err != nil {
		return fmt.Errorf("keep the receipt: %w", err)
	}
	return nil
}

func find(tx *gorm.DB, id uuid.UUID) (Receipt, bool, error) {
	var row struct {
		Deleted   string
		Remaining int32
		ErasedAt  time.Time
	}
	found := tx.Raw("SELECT deleted, remaining, erased_at FROM receipts WHERE message_id = ?", id).Scan(&row)
	if found.Error != nil || found.RowsAffected == 0 {
		return Receipt{}, false, found.Error
	}
	receipt := Receipt{Left: row.Remaining, ErasedAt: row.ErasedAt}
	if err := json.Unmarshal([]byte(row.Deleted), &receipt.Deleted); err != nil {
		return Receipt{}, false, fmt.Errorf("read the receipt of %s: %w", id, err)
	}
	return receipt, true, nil
}
