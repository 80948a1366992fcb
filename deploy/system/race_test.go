package system

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

func TestOneOfFiftyWithTheSameTagWins(t *testing.T) {
	const writers, rounds = 50, 5
	w := inhabited(t)
	for _, k := range things {
		t.Run(k.name, func(t *testing.T) {
			w := w.in(t)
			place, made := k.make(w)
			tag := made.Tag()
			for range rounds {
				edits := make([]request, writers)
				for i := range edits {
					edits[i] = k.edit(w, place).With("If-Match", tag)
				}
				answers := atOnce(t, edits)
				statuses := map[int]int{}
				for _, a := range answers {
					statuses[a.Status]++
					if a.Status == http.StatusOK {
						tag = a.Tag()
					}
				}
				require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: writers - 1}, statuses)
				assert.Equal(t, tag, w.want(http.StatusOK, k.at(w, k.get, place)).Tag(), "the winner's is what is there")
			}
		})
	}
}

// atOnce sends all requests together.
func atOnce(t *testing.T, requests []request) []conformance.Answer {
	t.Helper()
	answers := make([]conformance.Answer, len(requests))
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		all.Go(func() {
			<-start
			a, wrong, err := r.Do(t.Context())
			assert.NoError(t, err)
			assert.Empty(t, wrong)
			answers[i] = a
		})
	}
	close(start)
	all.Wait()
	return answers
}

// step is what a client asks of a pizza: to read it (no title), or to give it another title, if it still has that tag
// (whatever it has, for "").
type step struct{ pizza, title, tag string }

// outcome is what the client saw.
type outcome struct {
	status     int
	title, tag string
}

// register is a pizza to whoever reads and writes its title by If-Match: what a write with the current tag does is there
// at once, for everybody, and a write with any other tag does nothing.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byPizza := map[string][]porcupine.Operation{}
		for _, operation := range history {
			pizza := operation.Input.(step).pizza
			byPizza[pizza] = append(byPizza[pizza], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byPizza {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return outcome{} }, // nobody has looked yet
	Step: func(state, input, output any) (bool, any) {
		now, asked, got := state.(outcome), input.(step), output.(outcome)
		unknown := now.tag == ""
		switch {
		case asked.title == "":
			return unknown || now.title == got.title && now.tag == got.tag, outcome{title: got.title, tag: got.tag}
		case got.status == http.StatusOK:
			fits := unknown || asked.tag == "" || asked.tag == now.tag
			return fits && got.title == asked.title && got.tag != now.tag, outcome{title: got.title, tag: got.tag}
		default:
			return unknown || asked.tag != now.tag, now
		}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
}

func TestReadModifyWriteByTagIsLinearizable(t *testing.T) {
	const clients, turns = 12, 40
	for name, pizzas := range map[string]int{"everybody at one pizza": 1, "a few at each": 4, "everybody at one of their own": clients} {
		t.Run(name, func(t *testing.T) {
			w := bare(t)
			ids := make([]string, pizzas)
			for i := range ids {
				ids[i] = w.create("createPizza", w.operator, fields{"title": "At first"})
			}
			var (
				mu      sync.Mutex
				history []porcupine.Operation
				all     sync.WaitGroup
				began   = time.Now()
			)
			act := func(client int, asked step, r request) outcome {
				called := time.Since(began)
				a, wrong, err := r.Do(t.Context())
				returned := time.Since(began)
				assert.NoError(t, err)
				assert.Empty(t, wrong)
				got := outcome{status: a.Status}
				if a.Status == http.StatusOK {
					got.tag = a.Tag()
					got.title, _ = a.Member("title").(string)
				} else {
					assert.Equal(t, http.StatusPreconditionFailed, a.Status)
				}
				mu.Lock()
				defer mu.Unlock()
				history = append(history, porcupine.Operation{
					ClientId: client, Input: asked, Output: got, Call: called.Nanoseconds(), Return: returned.Nanoseconds(),
				})
				return got
			}
			for client := range clients {
				all.Go(func() {
					id := ids[client%pizzas]
					for turn := range turns {
						seen := act(client, step{pizza: id}, w.by("getPizza", "id", id))
						asked := step{pizza: id, title: fmt.Sprintf("%d's %d", client, turn), tag: seen.tag}
						operation := []string{"putPizza", "patchPizza"}[turn%2]
						write := w.by(operation, "id", id).Saying(fields{"title": asked.title}).With("If-Match", seen.tag)
						if rand.IntN(8) == 0 { // some do not look
							asked.tag, write.Header = "", nil
						}
						act(client, asked, write)
					}
				})
			}
			all.Wait()

			refused := 0
			for _, operation := range history {
				if operation.Output.(outcome).status == http.StatusPreconditionFailed {
					refused++
				}
			}
			t.Logf("%d operations, %d refused", len(history), refused)
			if pizzas == 1 {
				assert.NotZero(t, refused, "they were in each other's way")
			}
			if pizzas == clients {
				assert.Zero(t, refused, "nobody was in anybody's way")
			}
			assert.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(register, history, time.Minute))
		})
	}
}
