package postgres_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestAnArrayIsOneParameter(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t).DB().WithContext(t.Context())
	for name, test := range map[string]struct {
		sql  string
		arg  any
		want int
	}{
		"of UUIDs":       {"SELECT count(*) FROM unnest(?::uuid[]) AS u WHERE u IS NOT NULL", postgres.Array([]uuid.UUID{uuid.New(), uuid.New()}), 2},
		"of numbers":     {"SELECT sum(n) FROM unnest(?::bigint[]) AS n", postgres.Array([]int64{1, 2, 1 << 40}), 3 + 1<<40},
		"of texts":       {"SELECT max(length(s)) FROM unnest(?::text[]) AS s", postgres.Array([]string{"a", `"{b},`, ""}), 5},
		"of bytes":       {"SELECT max(length(b)) FROM unnest(?::bytea[]) AS b", postgres.Array([][]byte{{0, 255, 1}, {}}), 3},
		"with no values": {"SELECT coalesce(cardinality(?::bigint[]), -1)", postgres.Array[int64](nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var got int
			require.NoError(t, db.Raw(test.sql, test.arg).Scan(&got).Error)
			assert.Equal(t, test.want, got)
		})
	}
}
