package erasure

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/postgres"
)

// Erase forgets people in tx and returns the receipt of each order, by its message; for a message that has been here
// before, the receipt of that time. Any number of people take the same number of statements. Of several orders about one
// person, the first to come gets the counts: the others find nothing.
func (h *Holder) Erase(tx *gorm.DB, orders ...Order) (map[uuid.UUID]Receipt, error) {
	people := make([]uuid.UUID, len(orders))
	messages := make([]uuid.UUID, len(orders))
	for i, order := range orders {
		people[i], messages[i] = order.Person, order.Message
	}
	if err := h.Hold(tx, people...); err != nil {
		return nil, err
	}
	receipts, err := find(tx, messages)
	if err != nil {
		return nil, err
	}
	if err := sameOrders(orders, receipts); err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(slices.Clone(orders), func(o Order) bool { _, known := receipts[o.Message]; return known })
	if len(fresh) == 0 {
		return receipts, nil
	}
	made, err := h.erase(tx, fresh)
	maps.Copy(receipts, made)
	return receipts, err
}

// sameOrders returns a permanent error if a message is said to bring another order than it did before.
func sameOrders(orders []Order, receipts map[uuid.UUID]Receipt) error {
	seen := make(map[uuid.UUID]Order, len(orders))
	for _, o := range orders {
		first, twice := seen[o.Message]
		kept, known := receipts[o.Message]
		if twice && first != o || known && kept.erasure != o.Erasure {
			return broker.Permanent(fmt.Errorf("message %s has brought another order before", o.Message))
		}
		seen[o.Message] = o
	}
	return nil
}

// erase obeys orders that have not been here before.
func (h *Holder) erase(tx *gorm.DB, orders []Order) (map[uuid.UUID]Receipt, error) {
	var people []uuid.UUID
	for _, o := range orders {
		if !slices.Contains(people, o.Person) {
			people = append(people, o.Person)
		}
	}
	deleted := map[string]map[uuid.UUID]int32{} // by table
	for _, e := range h.register {
		rows, err := e.delete(tx, people)
		if err != nil {
			return nil, fmt.Errorf("erase %s.%s: %w", e.Table, e.Column, err)
		}
		deleted[e.Table] = add(deleted[e.Table], rows)
	}
	var left map[uuid.UUID]int32
	for _, e := range h.register {
		rows, err := e.scan(tx, people)
		if err != nil {
			return nil, fmt.Errorf("scan %s.%s: %w", e.Table, e.Column, err)
		}
		left = add(left, rows)
	}
	if err := h.bury(tx, people); err != nil {
		return nil, err
	}
	receipts := map[uuid.UUID]Receipt{}
	for _, o := range orders {
		if _, twice := receipts[o.Message]; twice {
			continue
		}
		r := Receipt{Deleted: map[string]int32{}, Left: left[o.Person], erasure: o.Erasure}
		for table, rows := range deleted {
			r.Deleted[table] = rows[o.Person]
			delete(rows, o.Person)
		}
		receipts[o.Message] = r
	}
	return receipts, keep(tx, orders, receipts)
}

// add adds up what is known of each person.
func add(sum, more map[uuid.UUID]int32) map[uuid.UUID]int32 {
	if sum == nil {
		sum = map[uuid.UUID]int32{}
	}
	for person, rows := range more {
		sum[person] += rows
	}
	return sum
}

func (e Entry) delete(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error) {
	if e.Delete != nil {
		return e.Delete(tx, people)
	}
	return PerPerson(tx, "WITH gone AS (DELETE FROM ? WHERE ? = ANY(?) RETURNING ? AS person) SELECT person, count(*) AS rows FROM gone GROUP BY person",
		clause.Table{Name: e.Table}, clause.Column{Name: e.Column}, postgres.Array(people), clause.Column{Name: e.Column})
}

func (e Entry) scan(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error) {
	return PerPerson(tx, "SELECT ? AS person, count(*) AS rows FROM ? WHERE ? = ANY(?) GROUP BY ?",
		clause.Column{Name: e.Column}, clause.Table{Name: e.Table}, clause.Column{Name: e.Column}, postgres.Array(people), clause.Column{Name: e.Column})
}

// PerPerson runs a statement that returns the columns person and rows, once per person.
func PerPerson(tx *gorm.DB, statement string, args ...any) (map[uuid.UUID]int32, error) {
	var found []struct {
		Person uuid.UUID
		Rows   int32
	}
	if err := tx.Raw(statement, args...).Scan(&found).Error; err != nil {
		return nil, err
	}
	rows := make(map[uuid.UUID]int32, len(found))
	for _, f := range found {
		rows[f.Person] = f.Rows
	}
	return rows, nil
}

// bury leaves a tombstone for each.
func (h *Holder) bury(tx *gorm.DB, people []uuid.UUID) error {
	tombstones := make([][]byte, len(people))
	for i, person := range people {
		tombstones[i] = h.tombstone(person)
	}
	slices.SortFunc(tombstones, slices.Compare[[]byte]) // in one order, as whoever inserts the same one waits
	err := tx.Exec("INSERT INTO tombstones (person) SELECT unnest(?::bytea[]) ON CONFLICT DO NOTHING", postgres.Array(tombstones)).Error
	if err != nil {
		return fmt.Errorf("leave tombstones: %w", err)
	}
	return nil
}

// kept is a receipt as its table has it.
type kept struct {
	MessageID uuid.UUID        `json:"message_id"`
	ErasureID string           `json:"erasure_id"`
	Deleted   map[string]int32 `json:"deleted" gorm:"serializer:json"`
	Remaining int32            `json:"remaining"`
	ErasedAt  time.Time        `json:"-"`
}

// keep writes the receipts down, and fills in their time, which is the transaction's.
func keep(tx *gorm.DB, orders []Order, receipts map[uuid.UUID]Receipt) error {
	var rows []kept
	for _, o := range orders {
		if r, first := receipts[o.Message]; first && r.ErasedAt.IsZero() {
			rows = append(rows, kept{MessageID: o.Message, ErasureID: o.Erasure, Deleted: r.Deleted, Remaining: r.Left})
		}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("keep receipts: %w", err)
	}
	var at time.Time
	err = tx.Raw(`
		WITH written AS (
			INSERT INTO receipts (message_id, erasure_id, deleted, remaining)
			SELECT DISTINCT ON (message_id) * FROM jsonb_to_recordset(?::jsonb) AS r (message_id uuid, erasure_id text, deleted jsonb, remaining integer)
			RETURNING erased_at)
		SELECT erased_at FROM written LIMIT 1`, string(document)).Scan(&at).Error
	if err != nil {
		return fmt.Errorf("keep receipts: %w", err)
	}
	for id, r := range receipts {
		r.ErasedAt = at
		receipts[id] = r
	}
	return nil
}

// find reads the receipts of messages that have been here before.
func find(tx *gorm.DB, messages []uuid.UUID) (map[uuid.UUID]Receipt, error) {
	var rows []kept
	err := tx.Raw("SELECT message_id, erasure_id, deleted, remaining, erased_at FROM receipts WHERE message_id = ANY(?)", postgres.Array(messages)).
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for receipts: %w", err)
	}
	receipts := make(map[uuid.UUID]Receipt, len(rows))
	for _, r := range rows {
		receipts[r.MessageID] = Receipt{Deleted: r.Deleted, Left: r.Remaining, ErasedAt: r.ErasedAt, erasure: r.ErasureID}
	}
	return receipts, nil
}
