package postgres_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/page"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
)

// migration is what the file of that name does, and what takes it back.
func migration(t *testing.T, name string) (up, down string) {
	t.Helper()
	schemas := store.Schemas()
	text, err := fs.ReadFile(schemas[len(schemas)-1].Files, name)
	require.NoError(t, err)
	up, down, found := strings.Cut(string(text), "-- +goose Down")
	require.True(t, found)
	return up, down
}

func TestWhatWasThereBeforeVersionsGetsOnesAndKeepsItsOrder(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	up, down := migration(t, "00002_rows.sql")
	w.erasure(w.person("zoe").ID)
	w.exec(down)
	assert.Zero(t, w.count("tallies"))
	for _, name := range []string{"ada", "bob", "eve"} {
		w.exec("INSERT INTO users (uuid, username, email, password_hash) VALUES (gen_random_uuid(), ?, '', '')", name)
	}
	w.exec("UPDATE users SET email = 'ada@example.org' WHERE username = 'ada'") // her row is the last of the table now
	w.exec("INSERT INTO sessions (id, user_uuid, expires_at) SELECT gen_random_uuid(), uuid, now() FROM users")
	for id, days := range map[string]int{"oldest": 3, "newest": 1, "middle": 2} {
		w.exec(`INSERT INTO erasures (id, message_id, user_uuid, user_id, requested_at, due_at, remind_at, holders_known)
			VALUES (?, gen_random_uuid(), gen_random_uuid(), 1, now() - ? * interval '1 day', now(), now(), true)`, id, days)
		w.exec("INSERT INTO erasure_holders (erasure_id, service, state) VALUES (?, 'pizza', 'pending')", id)
	}

	w.exec(up)

	kim := w.person("kim")
	users := w.list(window(10))
	assert.Equal(t, []string{"ada", "bob", "eve", "kim"}, names(users))
	assert.EqualValues(t, 4, users.Count)
	assert.Equal(t, []string{"bob", "eve"}, names(w.list(page.Window{Limit: 2, Offset: 1})))
	versions := map[int64]bool{}
	for _, u := range users.Items {
		assert.Positive(t, u.Version)
		versions[u.Version] = true
	}
	assert.Len(t, versions, 4, "each row has its own")

	last := w.erasure(kim.ID)
	erasures := w.erasures(window(10))
	assert.EqualValues(t, 5, erasures.Count)
	var ids []string
	for _, e := range erasures.Items {
		ids = append(ids, e.ID)
	}
	assert.Equal(t, []string{"newest", "middle", "oldest"}, ids[2:])
	assert.Equal(t, last.ID, ids[0])
}
