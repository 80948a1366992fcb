package postgres

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
)

// grace is how long others hear later of the pizzas that go with their person. By then they have forgotten the person
// themselves, and have counted what that deleted on their own receipts.
const grace = 5 * time.Second

// deleteOf deletes all pizzas of these people, and announces each.
func deleteOf(format message.Format) func(*gorm.DB, []uuid.UUID) (map[uuid.UUID]int32, error) {
	return func(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error) {
		var gone []struct {
			ID      int64
			Creator uuid.UUID
		}
		err := tx.Raw("DELETE FROM pizzas WHERE creator = ANY(?) RETURNING id, creator", postgres.Array(people)).Scan(&gone).Error
		if err != nil {
			return nil, err
		}
		rows := map[uuid.UUID]int32{}
		ids := make([]int64, len(gone))
		for i, pizza := range gone {
			ids[i] = pizza.ID
			rows[pizza.Creator]++
		}
		return rows, announce(tx, format, grace, ids...)
	}
}

// announce writes a pizza.deleted for each of the pizzas to the outbox, to be sent after the delay.
func announce(tx *gorm.DB, format message.Format, delay time.Duration, ids ...int64) error {
	now := timestamppb.New(tx.NowFunc())
	messages := make([]message.Message, len(ids))
	for i, id := range ids {
		contentType, body, err := message.Encode(format, &pizzav1.Deleted{PizzaId: id, DeletedAt: now})
		if err != nil {
			return fmt.Errorf("announce that pizza %d is gone: %w", id, err)
		}
		messages[i] = message.Message{
			ID:       uuid.New(),
			Exchange: "pizzas", Key: "pizza.deleted.1.0.0",
			ContentType: contentType, Body: body, Delay: delay,
		}
	}
	return outbox.Append(tx, messages...)
}
