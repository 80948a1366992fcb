// Package deploy_test walks through versions.md: a breaking change of a message, step by step, while messages flow.
package deploy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/proto/corpus"
)

const (
	oldKind = "user.deleted.1"
	newKind = "user.deleted.2"
)

// walk is somebody who follows the page.
type walk struct {
	*system
	readings []reading
	writings []writing
}

// steps are what the page's numbered headings say, by those headings.
var steps = []struct {
	heading string
	do      func(*walk, *testing.T)
}{
	{"1. Announce it", (*walk).announce},
	{"2. Publish both", (*walk).publishBoth},
	{"3. Move the consumers, one by one", (*walk).move},
	{"4. Switch the old one off", (*walk).switchOff},
	{"5. Remove it", (*walk).remove},
}

func TestABreakingChange(t *testing.T) {
	t.Parallel()
	page := openPage(t)
	var headings []string
	for _, step := range steps {
		headings = append(headings, step.heading)
	}
	require.Equal(t, headings, page.steps(), "the page's headings and the test's steps are the same")
	w := &walk{system: newSystem(t), readings: page.consumers(t), writings: page.producers(t)}
	w.producer.release(t, silent) // its exchange has to be there; what is said before a queue is bound, that queue misses
	for _, c := range w.consumers {
		c.release(t, w.readings[0])
	}
	w.write(t, "as it was")
	w.flows(t)
	for _, step := range steps {
		if !t.Run(step.heading, func(t *testing.T) { step.do(w, t) }) {
			return
		}
	}
	w.oneEffectEach(t)
}

// note keeps what was done when.
func (w *walk) note(who, release string) {
	w.log = append(w.log, fmt.Sprintf("%d %s: %s", w.producer.events.Load(), who, release))
}

// write brings a release of the producer out.
func (w *walk) write(t *testing.T, release string) {
	t.Helper()
	r := named(t, w.writings, release, func(r writing) string { return r.name })
	w.note("producer", release)
	w.producer.release(t, r)
	w.note("producer", "all")
}

// read brings a release of a consumer out, and sees that its queue asks for what the page says.
func (w *walk) read(t *testing.T, c *consumer, release string) {
	t.Helper()
	r := named(t, w.readings, release, func(r reading) string { return r.name })
	w.note(c.name, release)
	c.release(t, r)
	w.note(c.name, "all")
	for _, kind := range []string{oldKind, newKind} {
		asks := assert.NotContains
		for _, read := range r.reads {
			if read == kind {
				asks = assert.Contains
			}
		}
		asks(t, w.asked(t, kind), c.queue(), "%s after %q: %s", c.name, release, kind)
	}
	w.flows(t)
}

func (w *walk) announce(t *testing.T) {
	assert.NotEmpty(t, corpus.Of("user.deleted", 2), "readers have examples of what will come")
	assert.NotEmpty(t, corpus.Of("user.deleted", 1), "the old ones are still there")
	assert.Equal(t, []string{"archive.user-deleted", "mailer.user-deleted"}, w.asked(t, oldKind), "these teams have to be told")
	w.flows(t)
}

func (w *walk) publishBoth(t *testing.T) {
	w.write(t, "publishes both")
	w.flows(t)
	w.write(t, "as it was") // and back
	w.flows(t)
	w.write(t, "publishes both")
	w.flows(t)
	assert.Empty(t, w.asked(t, newKind))
	servertest.Eventually(t, patience, "nothing held up for want of a reader", func() bool { return w.producer.waiting(t, newKind) < 20 })
}

func (w *walk) move(t *testing.T) {
	for _, c := range w.consumers {
		assert.Zero(t, c.counter(2).Load(), "%s has not asked for the new version", c.name)
		w.read(t, c, "understands both")
		w.read(t, c, "as it was") // and back
		w.read(t, c, "understands both")
		w.read(t, c, "asks for both")
		w.read(t, c, "understands both") // and back
		w.read(t, c, "asks for both")
		assert.NotZero(t, c.counter(2).Load(), "both versions came to %s", c.name)
	}
	w.write(t, "counts on the new one")
	w.flows(t)
	servertest.Eventually(t, patience, "no row that must arrive in the old version", func() bool { return w.producer.required(t, oldKind) == 0 })
	for _, c := range w.consumers {
		w.read(t, c, "leaves the old one")
		w.read(t, c, "asks for both") // and back
		w.read(t, c, "leaves the old one")
	}
	assert.Empty(t, w.asked(t, oldKind))
}

func (w *walk) switchOff(t *testing.T) {
	w.write(t, "has switched the old one off")
	w.flows(t)
	w.write(t, "counts on the new one") // and back
	w.flows(t)
	w.write(t, "has switched the old one off")
	w.flows(t)
	servertest.Eventually(t, patience, "no old message in the outbox", func() bool { return w.producer.waiting(t, oldKind) == 0 })
	for _, c := range w.consumers {
		servertest.Eventually(t, patience, "nothing old to be retried at "+c.name, func() bool {
			before := c.counter(1).Load()
			w.flows(t)
			return c.counter(1).Load() == before
		})
	}
}

func (w *walk) remove(t *testing.T) {
	for _, c := range w.consumers {
		w.read(t, c, "has forgotten it")
		w.read(t, c, "leaves the old one") // and back
		w.read(t, c, "has forgotten it")
	}
}

// oneEffectEach stops the producer, lets everything arrive, and counts.
func (w *walk) oneEffectEach(t *testing.T) {
	t.Helper()
	w.producer.release(t, silent)
	servertest.Eventually(t, patience, "empty outbox", func() bool { return w.producer.waiting(t, "user.deleted") == 0 })
	events := w.producer.events.Load()
	for _, c := range w.consumers {
		servertest.Eventually(t, patience, "every effect at "+c.name, func() bool { return c.missing(t, 1, events) == 0 })
		for _, queue := range []string{c.queue(), c.queue() + ".retry"} { // second copies may be under way still
			servertest.Eventually(t, patience, "empty "+queue, func() bool { return w.depth(t, queue) == 0 })
		}
		all, different := c.effects(t)
		assert.Equal(t, events, different)
		assert.Equal(t, events, all, "one effect each at %s", c.name)
		assert.Greater(t, c.counter(1).Load()+c.counter(2).Load(), events, "some came in two versions to %s", c.name)
		assert.Zero(t, w.depth(t, c.queue()+".dead"))
	}
	t.Logf("%d events", events)
}
