package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/postgres"
)

// Choice says which rows Retry is about: those with the ids, or all that are parked, or all that have failed.
type Choice struct {
	IDs    []int64
	Parked bool
	Failed bool
}

// Retried is what Retry did, or would do.
type Retried struct {
	Due     int // rows that are due now
	Sending int // rows of the choice that a relay is sending at this moment: they are left to it
}

// Retry makes the rows due now, with as many attempts before them as a new row has, and wakes a relay. With dryRun it
// only counts. It changes nothing if one of the ids is unknown, which its error names: no such row, or it has been sent.
func Retry(ctx context.Context, database *postgres.Database, choice Choice, dryRun bool) (done Retried, err error) {
	err = database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		rows, err := choose(tx, choice)
		if err != nil {
			return err
		}
		var ids []int64
		for _, row := range rows {
			if row.Sending {
				done.Sending++
				continue
			}
			ids = append(ids, row.ID)
		}
		done.Due = len(ids)
		if dryRun || len(ids) == 0 {
			return nil
		}
		err = tx.Exec("UPDATE outbox SET state = 'waiting', attempts = 0, available_at = now() WHERE id = ANY(?)", postgres.Array(ids)).Error
		if err != nil {
			return err
		}
		return wake(tx)
	})
	if err != nil {
		return Retried{}, fmt.Errorf("retry outbox rows: %w", err)
	}
	return done, nil
}

type chosen struct {
	ID      int64
	Sending bool
}

// choose finds the rows of the choice and locks them against relays.
func choose(tx *gorm.DB, choice Choice) (rows []chosen, err error) {
	which, of := "", []any{}
	switch {
	case choice.IDs != nil:
		which, of = "id = ANY(?)", []any{postgres.Array(choice.IDs)}
	case choice.Parked:
		which = "state = 'parked'"
	case choice.Failed:
		which = "last_error <> ''"
	default:
		return nil, errors.New("no rows were chosen")
	}
	err = tx.Raw("SELECT id, state = 'claimed' AND available_at > now() AS sending FROM outbox WHERE "+which+
		" ORDER BY id FOR UPDATE", of...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	unknown := slices.DeleteFunc(slices.Clone(choice.IDs), func(id int64) bool {
		return slices.ContainsFunc(rows, func(row chosen) bool { return row.ID == id })
	})
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no such row, or it has been sent: %d", unknown)
	}
	return rows, nil
}
