package postgres

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
)

// grace is how long others hear later of the pizzas that go with their person. By then they have forgotten the person
// themselves, and have counted what that deleted on their own receipts.
const grace = 5 * time.Second

// deleteOf deletes all pizzas of a person, and announces each.
func deleteOf(format message.Format) func(*gorm.DB, uuid.UUID) (int64, error) {
	return func(tx *gorm.DB, person uuid.UUID) (int64, error) {
		var ids []int64
		if err := tx.Raw("DELETE FROM pizzas WHERE creator = ? RETURNING id", person).Scan(&ids).Error; err != nil {
			return 0, err
		}
		return int64(len(ids)), announce(tx, format, grace, ids...)
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
