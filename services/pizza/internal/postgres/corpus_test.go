package postgres

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/proto/corpus"
)

func TestAPizzaThatIsGoneIsAnnouncedToTheByteAsReleased(t *testing.T) {
	t.Parallel()
	for format, contentType := range map[message.Format]string{message.JSON: "application/json", message.Protobuf: "application/x-protobuf"} {
		for _, value := range []string{"full", "largest"} {
			t.Run(value+" in "+string(format), func(t *testing.T) {
				t.Parallel()
				var said struct {
					PizzaID   int64     `json:"pizza_id"`
					DeletedAt time.Time `json:"deleted_at"`
				}
				require.NoError(t, json.Unmarshal(corpus.Released("pizza.deleted.1.0.0", value, "application/json").Body, &said))
				tx := servertest.Postgres(t, Schemas()...).DB().Session(&gorm.Session{
					Context: t.Context(), NowFunc: func() time.Time { return said.DeletedAt },
				})

				require.NoError(t, announce(tx, format, 0, said.PizzaID))

				want := corpus.Released("pizza.deleted.1.0.0", value, contentType)
				var row struct {
					Key, ContentType string
					Body             []byte
				}
				require.NoError(t, tx.Raw("SELECT key, content_type, body FROM outbox").Scan(&row).Error)
				assert.Equal(t, want.Type+" "+want.ContentType, row.Key+" "+row.ContentType)
				assert.Equal(t, string(want.Body), string(row.Body))
			})
		}
	}
}
