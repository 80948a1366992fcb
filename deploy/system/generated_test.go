package system

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// TestGeneratedRequests sends what the documents allow, and what they do not: a hundred requests of each kind to each
// operation, or as many as -rapid.checks says.
func TestGeneratedRequests(t *testing.T) {
	w := inhabited(t)
	known := w.known()
	for _, service := range services {
		for _, o := range w.services[service].Operations() {
			t.Run(o.OperationID+" takes what its document allows", func(t *testing.T) {
				valid := o.Valid(known)
				rapid.Check(t, func(t *rapid.T) {
					r := valid.Draw(t, "request").By(w.caller(o))
					if a := answerTo(t, r); refusesValid(o, a) {
						t.Fatalf("%s\n  is what the document allows, and is refused: %s", r, a.Data)
					}
				})
			})
			t.Run(o.OperationID+" stands what its document does not", func(t *testing.T) {
				broken := o.Broken(known)
				rapid.Check(t, func(t *rapid.T) { answerTo(t, broken.Draw(t, "request").By(w.caller(o))) })
			})
		}
	}
	for _, service := range services {
		answers, kinds := w.services[service].Ledger.Total()
		t.Logf("%s: %d answers, %d operations × statuses", service, answers, kinds)
	}
}

// answerTo is an answer that fits the document and is no mistake of ours.
func answerTo(t *rapid.T, r request) conformance.Answer {
	a, wrong, err := r.Do(t.Context())
	if err != nil {
		t.Fatalf("%s\n  %v", r, err)
	}
	for _, complaint := range wrong {
		t.Error(complaint)
	}
	if a.Status >= http.StatusInternalServerError {
		t.Fatalf("%s\n  answers %d: %s", r, a.Status, a.Data)
	}
	return a
}

// stated are the fields that the descriptions say more of than the schemas can.
var stated = map[string][]string{
	"putUser":    {"password"}, // who creates somebody gives them one
	"createLike": {"user"},     // a person can leave it out, and a service likes nothing
	"putLike":    {"user"},
}

// refusesValid says whether the answer blames a request that fits the document. That nothing is there, that it is taken, or
// that it is in another version is no blame.
func refusesValid(o *conformance.Operation, a conformance.Answer) bool {
	switch a.Status {
	case http.StatusBadRequest:
		errors, _ := a.Member("errors").([]any)
		return len(errors) == 0 || slices.ContainsFunc(errors, func(e any) bool {
			field, _ := e.(fields)["field"].(string)
			return !slices.Contains(stated[o.OperationID], field)
		})
	case http.StatusUnauthorized:
		return o.OperationID != "createSession"
	case http.StatusForbidden, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

// caller is somebody who may do everything, and who has a session to read.
func (w *world) caller(o *conformance.Operation) conformance.Caller {
	if o.OperationID == "getCurrentSession" {
		return w.ann.as
	}
	return w.operator
}

// known are the things of this world by the names that the documents have for them. What is deleted is not what the others
// are about.
func (w *world) known() conformance.Known {
	carl, dora := w.signUp(), w.signUp()
	event, brief := w.create("createEvent", w.operator, newEvent(nil)), w.create("createEvent", w.operator, newEvent(nil))
	ids := map[string][]any{
		"pizzas": {w.other}, "likes": {w.like, w.bobs}, "events": {event, w.event}, "attendances": {event}, "erasures": {w.erasure},
		"DELETE pizzas": {w.create("createPizza", w.operator, fields{"title": "Brief"})},
		"DELETE likes":  {w.create("createLike", w.operator, whole["like"](w))},
		"DELETE events": {brief}, "DELETE attendances": {event},
	}
	pizza := unused() // where no id that is drawn is
	w.create("putPizza", w.operator, fields{"title": "Known"}, "id", pizza)
	cursor := cursorIn(w.want(http.StatusOK, w.by("listPizzas").Asking("limit=1", "")).Header.Get("Link"))
	return func(o *conformance.Operation, in, name string) []any {
		switch {
		case in == "path" && name == "id" && o.Method == http.MethodDelete:
			return ids["DELETE "+o.Tags[0]]
		case in == "path" && name == "id":
			return ids[o.Tags[0]]
		case in == "path" && o.OperationID == "deleteUser":
			return []any{dora.id, w.gone.id}
		case in == "path":
			return []any{carl.id, w.eve.id, w.gone.id}
		case name == "cursor":
			return []any{cursor}
		case in == "body" && name == "pizza":
			return []any{number(pizza)}
		}
		return nil
	}
}

// cursorIn is the cursor of a link.
func cursorIn(link string) string {
	_, cursor, _ := strings.Cut(link, "cursor=")
	return cursor[:strings.IndexAny(cursor, "&>")]
}
