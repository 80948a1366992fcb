package system

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

func tags(t *testing.T, w *world) {
	for name, r := range reads(w) {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			seen := map[string]string{}
			formats(r, func(name string, r request) {
				a := w.want(http.StatusOK, r)
				tag := a.Tag()
				require.NotEmpty(t, tag, "%s", r)
				assert.Equal(t, tag, w.want(http.StatusOK, r).Tag(), "nothing has changed")
				assert.NotContains(t, seen, tag, "%s has a tag of its own", name)
				for other := range seen {
					assert.Equal(t, tag, w.want(http.StatusOK, r.With("If-None-Match", other)).Tag(), "%s is another representation", other)
				}
				seen[tag] = name

				for _, has := range [][]string{{tag}, {"W/" + tag}, {`"x", ` + tag + `, "y"`}, {`"x"`, tag}, {"*"}} {
					unchanged := w.want(http.StatusNotModified, r.With("If-None-Match", has...))
					assert.Equal(t, tag, unchanged.Tag())
					for _, header := range []string{"Vary", "Cache-Control"} {
						assert.Equal(t, a.Header.Get(header), unchanged.Header.Get(header), "304 has the %s of 200", header)
					}
				}
				for _, not := range []string{`"x"`, "nonsense", `""`} {
					w.want(http.StatusOK, r.With("If-None-Match", not))
				}
				r.Method = http.MethodHead
				w.want(http.StatusNotModified, r.With("If-None-Match", tag))
			})
			assert.Len(t, seen, 2*len(conformance.Formats), "one tag for each format and coding")
		})
	}
}

// listTags are about lists that hold a row, one after another way to change that.
func listTags(t *testing.T, w *world) {
	pizza := w.create("createPizza", w.ann.as, fields{"title": "Listed"})
	event := w.create("createEvent", w.ann.as, newEvent(nil))
	like := w.create("createLike", w.ann.as, fields{"pizza": number(pizza)})
	w.create("putAttendance", w.ann.as, fields{"status": "going"}, "id", event, "user", w.ann.id)
	for _, list := range []struct {
		name         string
		read, change request
		add          func(w *world)
	}{
		{
			"pizzas", w.by("listPizzas").Asking("creator="+w.ann.id+"&limit=100", ""),
			w.by("patchPizza", "id", pizza).Saying(fields{"title": "Listed otherwise"}),
			func(w *world) { w.create("createPizza", w.ann.as, fields{"title": "Another"}) },
		},
		{
			"likes", w.by("listLikes").Asking("user="+w.ann.id+"&limit=100", "LikeList"),
			w.by("patchLike", "id", like).Saying(fields{"pizza": number(w.other)}),
			func(w *world) { w.create("createLike", w.ann.as, fields{"pizza": number(pizza)}) },
		},
		{
			"events", w.by("listEvents").Asking("host="+w.ann.id+"&limit=100", ""),
			w.by("patchEvent", "id", event).Saying(fields{"place": "Elsewhere"}),
			func(w *world) { w.create("createEvent", w.ann.as, newEvent(nil)) },
		},
		{
			"attendances", w.by("listAttendances", "id", event).Asking("limit=100", ""),
			w.by("putAttendance", "id", event, "user", w.ann.id).Saying(fields{"status": "maybe"}),
			func(w *world) {
				w.create("putAttendance", w.bob.as, fields{"status": "maybe"}, "id", event, "user", w.bob.id)
			},
		},
		{
			"users", w.by("listUsers").Asking("limit=100&offset=0", ""),
			w.by("patchUser", "uuid", firstUser(w)).Saying(fields{"email": newName() + "@example.org"}),
			func(w *world) { w.signUp() },
		},
	} {
		t.Run(list.name, func(t *testing.T) {
			w := w.in(t)
			before := w.want(http.StatusOK, list.read)
			w.want(http.StatusNotModified, list.read.With("If-None-Match", before.Tag()))

			w.want(http.StatusOK, list.change)
			changed := w.want(http.StatusOK, list.read.With("If-None-Match", before.Tag()))
			assert.NotEqual(t, before.Tree, changed.Tree)

			list.add(w)
			more := w.want(http.StatusOK, list.read.With("If-None-Match", before.Tag(), changed.Tag()))
			assert.NotEqual(t, changed.Member("count"), more.Member("count"))
		})
	}
}

// listsHoldThings reads each entry of a list by itself.
func listsHoldThings(t *testing.T, w *world) {
	for _, list := range []struct{ list, get, key, parameter string }{
		{"listPizzas", "getPizza", "id", "id"}, {"listLikes", "getLike", "id", "id"}, {"listEvents", "getEvent", "id", "id"},
		{"listUsers", "getUser", "id", "uuid"}, {"listErasures", "getErasure", "id", "id"}, {"listAttendances", "getAttendance", "user", "user"},
	} {
		t.Run(list.list, func(t *testing.T) {
			w := w.in(t)
			for _, query := range []string{"limit=3", "limit=3&offset=1", "limit=100"} {
				results, _ := w.want(http.StatusOK, w.by(list.list, "id", w.event).Asking(query, "LikeList")).Member("results").([]any)
				require.NotEmpty(t, results)
				for _, entry := range results {
					place := []string{"id", w.event, list.parameter, fmt.Sprint(entry.(fields)[list.key])}
					assert.Equal(t, entry, w.want(http.StatusOK, w.by(list.get, place...)).Tree)
				}
			}
		})
	}
}

// firstUser is somebody on the first page.
func firstUser(w *world) string {
	results, _ := w.want(http.StatusOK, w.by("listUsers").Asking("limit=1", "")).Member("results").([]any)
	require.NotEmpty(w.t, results)
	id, _ := results[0].(fields)["id"].(string)
	return id
}
