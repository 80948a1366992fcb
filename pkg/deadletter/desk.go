package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/postgres"
)

// Letters are worked on in batches, which share round trips to the broker and to the audit. This many bytes are enough
// of one.
const batchBytes = 4 << 20

var (
	errInterrupted = errors.New("interrupted: the rest is where it was")
	errEnough      = errors.New("enough was seen") // ends a walk well
)

// Desk is where an operator works on the dead letters of a service. It tries once: what is down is an error within
// seconds.
type Desk struct {
	Broker   broker.Config
	Topology broker.Topology
	Queue    string             // the only one to work on; all of the topology's if empty
	Database *postgres.Database // for the audit; List, and Show without revealing, do without
	Operator string             // who works here, for the audit
	Progress func(passed, of int)
}

// Tally is what was done with the letters of one queue.
type Tally struct {
	Queue  string `json:"queue"`
	Done   int    `json:"done"`
	Failed int    `json:"failed"` // still dead letters, as far as is known
}

// List returns the letters that the selection means, or any if it is empty, and how many there are beyond the limit.
func (d Desk) List(ctx context.Context, selection Selection, limit int) (letters []Letter, beyond int, err error) {
	err = d.walk(ctx, selection, func(look *broker.DeadLetters, batch []*broker.Letter) error {
		for _, letter := range batch {
			if len(letters) < limit {
				letters = append(letters, view(letter))
			} else {
				beyond++
			}
		}
		if err := look.Keep(batch...); err != nil {
			return err
		}
		if len(letters) == limit && selection.Reason == "" && len(selection.IDs) == 0 {
			beyond += look.Len() // these need not be looked at to be counted
			return errEnough
		}
		return nil
	})
	return letters, beyond, err
}

// Show returns the letters with that id, of which there may be several: a message may have failed in several queues.
func (d Desk) Show(ctx context.Context, id string, revealing bool) (letters []Letter, err error) {
	err = d.walk(ctx, Selection{IDs: []string{id}}, func(look *broker.DeadLetters, batch []*broker.Letter) (err error) {
		defer func() { err = errors.Join(err, look.Keep(batch...)) }()
		var actions []Action
		if revealing {
			if actions, err = d.begin(ctx, reveal, batch); err != nil {
				return err
			}
		}
		for _, letter := range batch {
			letters = append(letters, detailed(letter, revealing))
		}
		if revealing {
			return d.end(ctx, actions, make([]error, len(batch)))
		}
		return nil
	})
	return letters, err
}

// Replay sends letters back to the queues where they failed. Letters that could not be sent, and ids that are unknown,
// are in the error; what could be done is done all the same.
func (d Desk) Replay(ctx context.Context, selection Selection) ([]Tally, error) {
	return d.act(ctx, replay, selection, func(look *broker.DeadLetters, batch []*broker.Letter) []error {
		return look.Replay(batch...)
	})
}

// Discard removes letters for good. Its errors are like those of Replay.
func (d Desk) Discard(ctx context.Context, selection Selection) ([]Tally, error) {
	return d.act(ctx, discard, selection, func(look *broker.DeadLetters, batch []*broker.Letter) []error {
		return slices.Repeat([]error{look.Discard(batch...)}, len(batch))
	})
}

func (d Desk) act(ctx context.Context, action string, selection Selection, do func(*broker.DeadLetters, []*broker.Letter) []error) ([]Tally, error) {
	var tallies []Tally
	var done, failed int
	var failure error // the first one stands for all
	err := d.walk(ctx, selection, func(look *broker.DeadLetters, batch []*broker.Letter) error {
		actions, err := d.begin(ctx, action, batch)
		if err != nil {
			return errors.Join(err, look.Keep(batch...))
		}
		results := do(look, batch)
		for i, err := range results {
			t := tally(&tallies, batch[i].Queue)
			if err == nil {
				t.Done++
				done++
				continue
			}
			t.Failed++
			failed++
			failure = cmp.Or(failure, err)
		}
		return d.end(ctx, actions, results)
	})
	if err = errors.Join(failure, err); err != nil && done+failed > 0 {
		err = fmt.Errorf("%d done, %d not: %w", done, failed, err)
	}
	return tallies, err
}

func tally(tallies *[]Tally, queue string) *Tally {
	for i := range *tallies {
		if (*tallies)[i].Queue == queue {
			return &(*tallies)[i]
		}
	}
	*tallies = append(*tallies, Tally{Queue: queue})
	return &(*tallies)[len(*tallies)-1]
}

// walk looks through the queues once and hands the letters that are meant to do, in batches; do keeps what it leaves.
func (d Desk) walk(ctx context.Context, selection Selection, do func(*broker.DeadLetters, []*broker.Letter) error) (err error) {
	queues, err := d.queues()
	if err != nil {
		return err
	}
	look, err := broker.OpenDeadLetters(ctx, d.Broker, d.Topology, queues...)
	if err != nil {
		return err
	}
	defer func() {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = errInterrupted
		}
		err = errors.Join(err, look.Close())
	}()
	choice, total := selection.choice(), look.Len()
	for {
		batch, err := d.gather(ctx, look, choice, total)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return errors.Join(err, look.Keep(batch...))
		}
		if len(batch) > 0 {
			err := do(look, batch)
			if errors.Is(err, errEnough) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if ended {
			return choice.unknown()
		}
	}
}

// gather takes the next batch of letters that are meant, and keeps those in between. Its error comes with what it has.
func (d Desk) gather(ctx context.Context, look *broker.DeadLetters, choice *choice, total int) (batch []*broker.Letter, err error) {
	for size := 0; len(batch) < broker.MaxLetters && size < batchBytes; {
		letter, err := look.Next(ctx)
		if err != nil {
			return batch, err
		}
		if d.Progress != nil {
			d.Progress(total-look.Len(), total)
		}
		if choice.includes(letter) {
			batch = append(batch, letter)
			size += len(letter.Body)
		} else if err := look.Keep(letter); err != nil {
			return batch, err
		}
	}
	return batch, nil
}

func (d Desk) queues() ([]string, error) {
	var all []string
	for _, s := range d.Topology.Subscriptions {
		all = append(all, s.Queue)
	}
	switch {
	case d.Queue == "":
		return all, nil
	case slices.Contains(all, d.Queue):
		return []string{d.Queue}, nil
	}
	return nil, fmt.Errorf("%s has no queue %q: it has %s", d.Topology.Service, d.Queue, strings.Join(all, ", "))
}
