package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
)

// anyOther says that somebody but auth is known as a holder, or has been.
const anyOther = "EXISTS (SELECT FROM holders WHERE service <> '" + service + "')"

// await makes a new erasure wait for every holder of this moment but auth. Who becomes one from now on waits for tx to
// end, and then sees the erasure: none falls between.
func await(tx *gorm.DB, id string) error {
	if err := tx.Exec("LOCK TABLE holders IN SHARE MODE").Error; err != nil {
		return fmt.Errorf("lock the holders: %w", err)
	}
	err := tx.Exec(`
		INSERT INTO erasure_holders (erasure_id, service, state)
		SELECT ?, service, 'pending' FROM holders WHERE service <> ? AND retired_at IS NULL`, id, service).Error
	if err == nil {
		err = tx.Exec("UPDATE erasures SET holders_known = "+anyOther+" WHERE id = ?", id).Error
	}
	if err != nil {
		return fmt.Errorf("note the holders of an erasure: %w", err)
	}
	return nil
}

// Register implements erasure.Store.
func (l *Ledger) Register(ctx context.Context, services []string) error {
	return l.changeHolders(ctx, services, func(tx *gorm.DB, names string) (bool, error) {
		var joined []string
		err := tx.Raw(`
			INSERT INTO holders (service) SELECT DISTINCT jsonb_array_elements_text(?::jsonb)
			ON CONFLICT (service) DO UPDATE SET registered_at = now(), retired_at = NULL WHERE holders.retired_at IS NOT NULL
			RETURNING service`, names).Scan(&joined).Error
		if err != nil || len(joined) == 0 {
			return false, err
		}
		if err := lockOpen(tx); err != nil {
			return false, err
		}
		err = tx.Exec(`
			INSERT INTO erasure_holders AS h (erasure_id, service, state)
			SELECT e.id, joined.service, 'pending' FROM erasures e CROSS JOIN holders joined
			WHERE e.completed_at IS NULL AND joined.service IN ? AND joined.service <> ?
			ON CONFLICT (erasure_id, service) DO UPDATE SET state = 'pending' WHERE h.state = 'retired'`, joined, service).Error
		if err != nil {
			return false, err
		}
		return true, tx.Exec("UPDATE erasures SET holders_known = true WHERE completed_at IS NULL AND NOT holders_known AND " + anyOther).Error
	})
}

// Retire implements erasure.Store.
func (l *Ledger) Retire(ctx context.Context, services []string) error {
	return l.changeHolders(ctx, services, func(tx *gorm.DB, names string) (bool, error) {
		const among = "service IN (SELECT jsonb_array_elements_text(?::jsonb))"
		left := tx.Exec("UPDATE holders SET retired_at = now() WHERE retired_at IS NULL AND "+among, names)
		if left.Error != nil || left.RowsAffected == 0 {
			return false, left.Error
		}
		if err := lockOpen(tx); err != nil {
			return false, err
		}
		return true, tx.Exec(`
			UPDATE erasure_holders h SET state = 'retired' FROM erasures e
			WHERE e.id = h.erasure_id AND e.completed_at IS NULL AND h.state = 'pending' AND h.`+among, names).Error
	})
}

// changeHolders runs a change of the holders, one at a time and while no erasure begins. If it has changed something,
// the open erasures are settled.
func (l *Ledger) changeHolders(ctx context.Context, services []string, change func(*gorm.DB, string) (bool, error)) error {
	if len(services) == 0 {
		return nil
	}
	names, err := json.Marshal(services)
	if err != nil {
		return fmt.Errorf("change the holders: %w", err)
	}
	err = l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("LOCK TABLE holders IN SHARE ROW EXCLUSIVE MODE").Error; err != nil {
			return err
		}
		if changed, err := change(tx, string(names)); err != nil || !changed {
			return err
		}
		return settle(tx, "completed_at IS NULL")
	})
	if err != nil {
		return known(fmt.Errorf("change the holders: %w", err), "")
	}
	return nil
}

// lockOpen locks the open erasures, in the order in which everybody who locks several does.
func lockOpen(tx *gorm.DB) error {
	return tx.Exec("SELECT FROM erasures WHERE completed_at IS NULL ORDER BY id FOR UPDATE").Error
}
