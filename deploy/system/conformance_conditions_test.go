package system

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// thing is a kind of what can be read and written at an address.
type thing struct {
	name   string
	get    string // operations
	put    string
	patch  string // "" for none
	remove string
	place  func(*world) []string // where nothing is yet
	body   func(*world) fields   // a whole one, another each time
	change func(*world) fields   // what changes it, differently each time
}

var things = []thing{
	{
		"pizza", "getPizza", "putPizza", "patchPizza", "deletePizza",
		func(*world) []string { return []string{"id", unused()} },
		whole["pizza"],
		func(*world) fields { return fields{"title": newName()} },
	},
	{
		"like", "getLike", "putLike", "patchLike", "deleteLike",
		func(*world) []string { return []string{"id", unused()} },
		whole["like"],
		func(*world) fields { return fields{"user": nobody()} },
	},
	{
		"event", "getEvent", "putEvent", "patchEvent", "deleteEvent",
		func(*world) []string { return []string{"id", unused()} },
		func(*world) fields { return newEvent(fields{"title": newName()}) },
		func(*world) fields { return fields{"place": newName()} },
	},
	{
		"user", "getUser", "putUser", "patchUser", "deleteUser",
		func(*world) []string { return []string{"uuid", nobody()} },
		func(*world) fields { return account(newName()) },
		func(*world) fields { return fields{"email": newName() + "@example.org"} },
	},
	{
		"attendance", "getAttendance", "putAttendance", "", "deleteAttendance",
		func(w *world) []string { return []string{"id", w.event, "user", nobody()} },
		func(*world) fields { return fields{"status": "going"} },
		nil,
	},
}

// at is the operation at a place, by the operator.
func (k thing) at(w *world, operation string, place []string) request {
	return w.by(operation, place...)
}

// make puts one somewhere and returns where that is, what it says and its tag.
func (k thing) make(w *world) (place []string, a conformance.Answer) {
	place = k.place(w)
	return place, w.want(http.StatusCreated, k.at(w, k.put, place).Saying(k.body(w)))
}

// edit is a request that changes what is at the place, whatever that is.
func (k thing) edit(w *world, place []string) request {
	if k.patch != "" {
		return k.at(w, k.patch, place).Saying(k.change(w))
	}
	status := "maybe"
	if w.want(http.StatusOK, k.at(w, k.get, place)).Member("status") == status {
		status = "declined"
	}
	return k.at(w, k.put, place).Saying(fields{"status": status})
}

// writes are all that can be done at a place where something is.
func (k thing) writes(w *world, place []string) []request {
	all := []request{k.at(w, k.put, place).Saying(k.body(w)), k.at(w, k.remove, place)}
	if k.patch != "" {
		all = append(all, k.at(w, k.patch, place).Saying(k.change(w)))
	}
	return all
}

func preconditions(t *testing.T, w *world) {
	for _, k := range things {
		t.Run(k.name, func(t *testing.T) {
			w := w.in(t)
			place, made := k.make(w)
			read := k.at(w, k.get, place)
			old := made.Tag()
			formats(read, func(name string, r request) {
				tag := w.want(http.StatusOK, r).Tag()
				now := w.want(http.StatusOK, k.edit(w, place).With("If-Match", tag)).Tag()
				assert.NotEqual(t, made.Tag(), now, "with the tag of %s", name)
			})
			before := w.want(http.StatusOK, read)

			eve := w.logIn(w.eve.name) // may do nothing here
			for _, write := range k.writes(w, place) {
				for condition, values := range map[string][]string{
					"If-Match":      {old, `W/` + before.Tag(), `"x"`, `"x", "y"`},
					"If-None-Match": {"*", before.Tag(), `W/` + before.Tag(), `"x", ` + before.Tag()},
				} {
					for _, value := range values {
						w.want(http.StatusPreconditionFailed, write.With(condition, value))
					}
				}
				w.want(http.StatusForbidden, write.By(eve).With("If-Match", old))
			}
			assert.Equal(t, before.Tree, w.want(http.StatusOK, read).Tree, "nothing of that changed anything")

			w.want(http.StatusOK, k.edit(w, place).With("If-Match", `"x", `+before.Tag()))
			w.want(http.StatusOK, k.edit(w, place).With("If-Match", "*"))
			w.want(http.StatusOK, k.edit(w, place).With("If-None-Match", old))
			last := w.want(http.StatusOK, read).Tag()
			gone := w.do(k.at(w, k.remove, place).With("If-Match", last))
			assert.Contains(t, []int{http.StatusNoContent, http.StatusAccepted}, gone.Status)
		})
		t.Run(k.name+" where nothing is", func(t *testing.T) {
			w := w.in(t)
			place := k.place(w)
			create := k.at(w, k.put, place).Saying(k.body(w))
			for _, value := range []string{"*", `"1.x.json"`} {
				w.want(http.StatusPreconditionFailed, create.With("If-Match", value))
			}
			w.want(http.StatusNotFound, k.at(w, k.remove, place).With("If-Match", "*"))
			if k.patch != "" {
				w.want(http.StatusNotFound, k.at(w, k.patch, place).Saying(k.change(w)).With("If-Match", "*"))
			}
			w.want(http.StatusNotFound, k.at(w, k.get, place))

			w.want(http.StatusCreated, create.With("If-None-Match", "*"))
			w.want(http.StatusPreconditionFailed, create.With("If-None-Match", "*"))
		})
	}
}
