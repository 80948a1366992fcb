package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	holding "github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// service is the holder that auth itself is.
const service = "auth"

// Ledger implements erasure.Store.
type Ledger struct {
	db           *gorm.DB
	holder       *holding.Holder
	announcement Announcement
}

// NewLedger makes a ledger that forgets people here by the holder, and elsewhere by the announcement.
func NewLedger(database *postgres.Database, holder *holding.Holder, announcement Announcement) *Ledger {
	return &Ledger{db: database.DB(), holder: holder, announcement: announcement}
}

type erasureRow struct {
	ID           string
	MessageID    uuid.UUID
	UserUUID     uuid.UUID
	UserID       int64
	RequestedAt  time.Time
	DueAt        time.Time
	CompletedAt  *time.Time
	HoldersKnown bool
	Position     int64
}

func (erasureRow) TableName() string { return "erasures" }

// ListKey implements postgres.Listed. What an erasure shows is not in its row alone, so it has no version.
func (r erasureRow) ListKey() (key, version int64) { return r.Position, 0 }

func (r erasureRow) erasure() erasure.Erasure {
	return erasure.Erasure{
		ID: r.ID, Message: r.MessageID, Person: r.UserUUID, Number: r.UserID,
		RequestedAt: r.RequestedAt, DueAt: r.DueAt, CompletedAt: r.CompletedAt,
	}
}

type holderRow struct {
	ErasureID string
	Service   string
	State     erasure.HolderState
	Deleted   string
	Remaining *int32
	ErasedAt  *time.Time
}

func (holderRow) TableName() string { return "erasure_holders" }

func (r holderRow) holder() (erasure.Holder, error) {
	h := erasure.Holder{Service: r.Service, State: r.State, Left: r.Remaining, ErasedAt: r.ErasedAt}
	if err := json.Unmarshal([]byte(r.Deleted), &h.Deleted); err != nil {
		return h, fmt.Errorf("read the receipt of %s: %w", r.Service, err)
	}
	return h, nil
}

// Begin implements erasure.Store.
func (l *Ledger) Begin(ctx context.Context, e erasure.Erasure, condition version.Condition) (erasure.Erasure, error) {
	err := l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		begun, err := open(tx, e)
		if err != nil {
			return err
		}
		if begun != nil {
			if err := l.begin(tx, begun.erasure(), condition); err != nil {
				return err
			}
		}
		var r erasureRow // a new statement, which also sees what another transaction has just begun
		if err := tx.Take(&r, "user_uuid = ?", e.Person).Error; err != nil {
			return err
		}
		e, err = withHolders(tx, r)
		return err
	})
	return e, known(err, "")
}

// open inserts the erasure of a user who is there, or returns nil. Of two who try at once, one waits here for the
// other. It comes before the person's lock and takes no lock that anyone who holds that one could wait for.
func open(tx *gorm.DB, e erasure.Erasure) (*erasureRow, error) {
	var r erasureRow
	done := tx.Raw(`
		INSERT INTO erasures (id, message_id, user_uuid, user_id, due_at, remind_at, holders_known)
		SELECT ?::text, ?::uuid, uuid, id, now() + ? * interval '1 second', now() + ? * interval '1 second', false
		FROM users WHERE uuid = ?
		ON CONFLICT (user_uuid) DO NOTHING RETURNING *`,
		e.ID, e.Message, erasure.Deadline.Seconds(), erasure.FirstReminder.Seconds(), e.Person).Scan(&r)
	if done.Error != nil || done.RowsAffected == 0 {
		return nil, done.Error
	}
	return &r, nil
}

// begin forgets the person here, notes who else has to, and tells them.
func (l *Ledger) begin(tx *gorm.DB, e erasure.Erasure, condition version.Condition) error {
	if err := l.holder.Hold(tx, e.Person); err != nil {
		return err
	}
	var seen row
	if err := tx.Select("version").Take(&seen, "uuid = ?", e.Person).Error; err != nil {
		return err
	}
	if err := condition.On(seen.Version); err != nil {
		return err
	}
	receipts, err := l.holder.Erase(tx, holding.Order{Message: e.Message, Erasure: e.ID, Person: e.Person})
	if err != nil {
		return err
	}
	own := receipts[e.Message]
	if own.Left > 0 {
		return errors.New("erase a user: rows are left")
	}
	if err := await(tx, e.ID); err != nil {
		return err
	}
	err = note(tx, erasure.Receipt{Erasure: e.ID, Service: service, Deleted: own.Deleted, Left: own.Left, ErasedAt: own.ErasedAt})
	if err != nil {
		return err
	}
	if err := l.announcement.first(tx, e); err != nil {
		return err
	}
	return settle(tx, "id = ?", e.ID)
}

// Get implements erasure.Store.
func (l *Ledger) Get(ctx context.Context, id string) (erasure.Erasure, error) {
	var r erasureRow
	db := l.db.WithContext(ctx)
	if err := db.Take(&r, "id = ?", id).Error; err != nil {
		return erasure.Erasure{}, known(err, "")
	}
	e, err := withHolders(db, r)
	return e, known(err, "")
}

var newestFirst = postgres.Order{Key: "position", Descending: true, Tallied: true}

// List implements erasure.Store.
func (l *Ledger) List(ctx context.Context, window page.Window) (page.Result[erasure.Erasure], error) {
	db := l.db.WithContext(ctx)
	window.Known = nil
	found, err := postgres.Window[erasureRow](db, newestFirst, window)
	if err != nil {
		return page.Result[erasure.Erasure]{}, known(err, "")
	}
	found.Fingerprint = ""
	result := page.Map(found, erasureRow.erasure)
	result.Items, err = allWithHolders(db, found.Items)
	return result, known(err, "")
}

func withHolders(db *gorm.DB, r erasureRow) (erasure.Erasure, error) {
	all, err := allWithHolders(db, []erasureRow{r})
	if err != nil {
		return erasure.Erasure{}, err
	}
	return all[0], nil
}

// allWithHolders reads the holders of all the erasures at once.
func allWithHolders(db *gorm.DB, rows []erasureRow) ([]erasure.Erasure, error) {
	erasures := make([]erasure.Erasure, len(rows))
	ids := make([]string, len(rows))
	place := make(map[string]*erasure.Erasure, len(rows))
	for i, r := range rows {
		erasures[i], ids[i] = r.erasure(), r.ID
		place[r.ID] = &erasures[i]
	}
	if len(ids) == 0 {
		return erasures, nil
	}
	var holders []holderRow
	err := db.Where("erasure_id IN ?", ids).Order(clause.OrderByColumn{Column: clause.Column{Name: "service"}}).Find(&holders).Error
	if err != nil {
		return nil, err
	}
	for _, r := range holders {
		h, err := r.holder()
		if err != nil {
			return nil, err
		}
		place[r.ErasureID].Holders = append(place[r.ErasureID].Holders, h)
	}
	return erasures, nil
}
