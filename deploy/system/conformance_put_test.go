package system

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func put(t *testing.T, w *world) {
	for _, k := range things {
		t.Run("twice leaves one "+k.name+" and one tag", func(t *testing.T) {
			w := w.in(t)
			place := k.place(w)
			body := k.body(w)
			first := w.want(http.StatusCreated, k.at(w, k.put, place).Saying(body))
			again := w.want(http.StatusOK, k.at(w, k.put, place).Saying(body))
			assert.Equal(t, first.Tree, again.Tree)
			assert.Equal(t, first.Tag(), again.Tag())
			now := w.want(http.StatusOK, k.at(w, k.get, place))
			assert.Equal(t, again.Tree, now.Tree)
			assert.Equal(t, again.Tag(), now.Tag())
		})
		t.Run("takes the "+k.name+" that GET gave", func(t *testing.T) {
			w := w.in(t)
			place, _ := k.make(w)
			w.want(http.StatusOK, k.edit(w, place))
			formats(k.at(w, k.get, place), func(name string, r request) {
				given := w.want(http.StatusOK, r)
				back := k.at(w, k.put, place).Reading(r.Accept, r.Unzip)
				back.Send, back.Zip, back.Raw = r.Accept, r.Unzip, given.Data
				kept := w.want(http.StatusOK, back.With("If-Match", given.Tag()))
				assert.Equal(t, given.Tree, kept.Tree, "%s", name)
				assert.Equal(t, given.Tag(), kept.Tag(), "%s: nothing has changed", name)
			})
		})
		if k.patch != "" {
			t.Run("as a patch changes no "+k.name, func(t *testing.T) {
				w := w.in(t)
				place, _ := k.make(w)
				patch := k.at(w, k.patch, place).Saying(k.change(w))
				first := w.want(http.StatusOK, patch)
				again := w.want(http.StatusOK, patch)
				assert.Equal(t, first.Tree, again.Tree)
				assert.Equal(t, first.Tag(), again.Tag())
			})
		}
	}
	for _, next := range []struct{ create, put, name string }{
		{"createPizza", "putPizza", "pizza"}, {"createLike", "putLike", "like"}, {"createEvent", "putEvent", "event"},
	} {
		t.Run("past the sequence does not stop POST for a "+next.name, func(t *testing.T) {
			w := w.in(t)
			kind := things[slices.IndexFunc(things, func(k thing) bool { return k.name == next.name })]
			last, err := json.Number(w.create(next.create, w.operator, kind.body(w))).Int64()
			require.NoError(t, err)
			taken := map[string]bool{}
			for ahead := range int64(5) {
				id := strconv.FormatInt(last+1+ahead, 10)
				w.create(next.put, w.operator, kind.body(w), "id", id)
				taken[id] = true
			}
			for range 3 {
				id := w.create(next.create, w.operator, kind.body(w))
				assert.False(t, taken[id], "%s is new", id)
				taken[id] = true
			}
		})
	}
}

func nulls(t *testing.T, w *world) {
	for _, null := range []struct {
		name        string
		made, patch request
		want        fields // what is there after it
	}{
		{
			"text becomes the default",
			w.by("putPizza", "id", unused()).Saying(fields{"title": "A", "description": "B", "image_url": "https://example.org/c"}),
			w.by("patchPizza").Saying(fields{"description": nil, "image_url": nil}),
			fields{"title": "A", "description": "", "image_url": ""},
		},
		{
			"a person becomes the house",
			w.by("putPizza", "id", unused()).Saying(fields{"title": "A", "creator": w.ann.id}),
			w.by("patchPizza").Saying(fields{"creator": nil}),
			fields{"title": "A", "creator": nil},
		},
		{
			"a pizza becomes none",
			w.by("putEvent", "id", unused()).Saying(newEvent(fields{"pizza": number(w.pizza), "description": "B", "host": w.ann.id})),
			w.by("patchEvent").Saying(fields{"pizza": nil, "description": nil, "host": nil, "place": "Elsewhere"}),
			fields{"pizza": nil, "description": "", "host": nil, "place": "Elsewhere", "title": "Pizza night"},
		},
		{
			"who likes something stays",
			w.by("putLike", "id", unused()).Saying(fields{"pizza": number(w.pizza), "user": nobody()}),
			w.by("patchLike").Saying(fields{"user": nil}),
			fields{"pizza": number(w.pizza)},
		},
		{
			"staff becomes false",
			w.by("putUser", "uuid", nobody()).Saying(staff(newName())),
			w.by("patchUser").Saying(fields{"staff": nil, "password": nil}),
			fields{"staff": false},
		},
	} {
		t.Run(null.name, func(t *testing.T) {
			w := w.in(t)
			made := w.do(null.made)
			require.Less(t, made.Status, 300)
			formats(null.patch, func(name string, r request) {
				w.do(null.made) // once more as it was
				r.Values = null.made.Values
				changed := w.want(http.StatusOK, r)
				for field, want := range null.want {
					assert.Equal(t, want, changed.Member(field), "%s: %s", name, field)
				}
			})
		})
	}
	t.Run("null where there has to be something", func(t *testing.T) {
		w := w.in(t)
		for _, r := range []request{
			w.by("patchPizza", "id", w.other).Saying(fields{"title": nil}),
			w.by("patchLike", "id", w.like).Saying(fields{"pizza": nil}),
			w.by("patchEvent", "id", w.event).Saying(fields{"starts_at": nil}),
			w.by("patchUser", "uuid", w.bob.id).Saying(fields{"username": nil}),
		} {
			formats(r, func(_ string, r request) { w.want(http.StatusBadRequest, r) })
		}
	})
}

func staff(name string) fields {
	a := account(name)
	a["staff"] = true
	return a
}
