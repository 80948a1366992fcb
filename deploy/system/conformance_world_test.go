package system

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tizza/tizza/deploy/internal/conformance"
	authv1 "github.com/tizza/tizza/proto/auth/v1"
	eventsv1 "github.com/tizza/tizza/proto/events/v1"
	likesv1 "github.com/tizza/tizza/proto/likes/v1"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	problemv1 "github.com/tizza/tizza/proto/problem/v1"
)

// resources are the Protobuf messages of each service's document.
var resources = map[string]protoreflect.FileDescriptor{
	"auth": authv1.File_auth_v1_resources_proto, "pizza": pizzav1.File_pizza_v1_resources_proto,
	"likes": likesv1.File_likes_v1_resources_proto, "events": eventsv1.File_events_v1_resources_proto,
}

// tokens are the development ones, and one that allows nothing anywhere: without it nothing that anyone may read could
// ever be forbidden. And services that are stopped need not wait for callers to turn away, as there are none.
var tokens = map[string]map[string]string{}

const narrowToken = "narrow:narrow-development"

func init() {
	const all = `{"auth-service":"auth-development","pizza-service":"pizza-development","likes-service":"likes-development",` +
		`"events-service":"events-development","operator":"operator-development",` +
		`"narrow":{"passwords":["narrow-development"],"scopes":["nothing:read"]}}`
	for _, service := range services {
		tokens[service] = map[string]string{"CLIENT_TOKENS": all, "SHUTDOWN_DRAIN": "200ms"}
	}
}

// world is what the cases of the conformance suite are about.
type world struct {
	t        testing.TB
	services map[string]*conformance.Service
	operator conformance.Caller
	narrow   conformance.Caller

	ann, bob, eve, gone person // Eve logs in and out; gone has been erased
	erasure             string // the id of that

	pizza, event, like string // ids: Ann's pizza and event, and that she likes it
	other, bobs        string // Bob's pizza, and that he likes it
}

// person is somebody with an account.
type person struct {
	id, name string
	as       conformance.Caller
}

const everyonesPassword = "correct horse battery staple"

var openWorld = sync.OnceValues(func() (*world, error) {
	w := &world{services: map[string]*conformance.Service{}, operator: bearer(setting["OPERATOR_TOKEN"]), narrow: bearer(narrowToken)}
	for name, file := range resources {
		s, err := conformance.Open(context.Background(), name, setting[strings.ToUpper(name)+"_URL"], file, problemv1.File_problem_v1_problem_proto)
		if err != nil {
			return nil, err
		}
		w.services[name] = s
	}
	return w, nil
})

// inhabited is the world with people, pizzas and an event in it, and one who has been erased.
func inhabited(t *testing.T) *world {
	t.Helper()
	w := bare(t)
	w.ann, w.bob, w.eve, w.gone = w.signUp(), w.signUp(), w.signUp(), w.signUp()
	w.pizza = w.create("createPizza", w.ann.as, fields{"title": "Margherita", "description": "Tomato, mozzarella, basil."})
	w.other = w.create("createPizza", w.bob.as, fields{"title": "Marinara", "image_url": "https://images.example.org/marinara.jpg"})
	w.event = w.create("createEvent", w.ann.as, newEvent(fields{"pizza": json.Number(w.pizza)}))
	w.like = w.create("createLike", w.ann.as, fields{"pizza": json.Number(w.pizza)})
	w.bobs = w.create("createLike", w.bob.as, fields{"pizza": json.Number(w.other)})
	w.create("putAttendance", w.ann.as, fields{"status": "going"}, "id", w.event, "user", w.ann.id)
	a := w.want(http.StatusAccepted, w.request("deleteUser", "uuid", w.gone.id).By(w.operator))
	w.erasure, _ = a.Member("id").(string)
	_, err := tizza.Complete(t.Context(), tizza.Auth("/erasures/"+w.erasure))
	require.NoError(t, err)
	return w
}

// bare is the world with nobody in it.
func bare(t *testing.T) *world {
	t.Helper()
	opened, err := openWorld()
	require.NoError(t, err)
	w := *opened
	w.t = t
	t.Cleanup(func() {
		for _, s := range w.services {
			s.Close()
		}
	})
	return &w
}

// in is the world of a subtest.
func (w *world) in(t testing.TB) *world {
	inside := *w
	inside.t = t
	return &inside
}

type fields = map[string]any

func bearer(token string) conformance.Caller {
	return func(h http.Header) {
		h.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(token)))
	}
}

func cookie(value string) conformance.Caller { return func(h http.Header) { h.Set("Cookie", value) } }

// request is a call in JSON of the operation at the place that the pairs of names and values give.
func (w *world) request(operation string, path ...string) conformance.Request {
	w.t.Helper()
	for _, s := range w.services {
		if o := s.Operation(operation); o != nil {
			r := conformance.Request{Operation: o, Values: map[string]string{}, Accept: conformance.JSON, Send: conformance.JSON}
			for i := 0; i+1 < len(path); i += 2 {
				r.Values[path[i]] = path[i+1]
			}
			return r
		}
	}
	w.t.Fatalf("no document has an operation %s", operation)
	return conformance.Request{}
}

// by is request by the operator.
func (w *world) by(operation string, path ...string) conformance.Request {
	w.t.Helper()
	return w.request(operation, path...).By(w.operator)
}

// do sends the request and complains about whatever is wrong with the answer.
func (w *world) do(r conformance.Request) conformance.Answer {
	w.t.Helper()
	a, wrong, err := r.Do(w.t.Context())
	require.NoError(w.t, err, "%s", r)
	for _, complaint := range wrong {
		w.t.Error(complaint)
	}
	return a
}

// want is do for one of a few statuses.
func (w *world) want(status int, r conformance.Request) conformance.Answer {
	w.t.Helper()
	a := w.do(r)
	require.Equal(w.t, status, a.Status, "%s\n%s", r, a.Data)
	return a
}

// create makes something and returns its id.
func (w *world) create(operation string, as conformance.Caller, body fields, path ...string) string {
	w.t.Helper()
	r := w.request(operation, path...).By(as).Saying(body)
	location := w.want(http.StatusCreated, r).Header.Get("Location")
	return location[strings.LastIndex(location, "/")+1:]
}

func (w *world) signUp() person {
	w.t.Helper()
	p := person{name: newName()}
	p.id = w.create("createUser", nil, account(p.name))
	p.as = w.logIn(p.name)
	return p
}

func (w *world) logIn(name string) conformance.Caller {
	w.t.Helper()
	credentials := fields{"username": name, "password": everyonesPassword}
	return session(w.want(http.StatusCreated, w.request("createSession").Saying(credentials)))
}

// session is the caller that an answer's cookie makes.
func session(a conformance.Answer) conformance.Caller {
	pair, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	return cookie(pair)
}

func account(name string) fields {
	return fields{"username": name, "email": name + "@example.com", "password": everyonesPassword}
}

func newEvent(more fields) fields {
	event := fields{"title": "Pizza night", "place": "Town hall", "starts_at": "2030-01-02T19:30:00.5+01:00"}
	for name, value := range more {
		event[name] = value
	}
	return event
}

// nobody is a person that nobody has heard of; what names them is taken all the same.
func nobody() string { return uuid.NewString() }

var lastUnused atomic.Int64

// unused is an id that nothing has yet.
func unused() string { return fmt.Sprint(int64(1)<<40 + lastUnused.Add(1)) }
