package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/postgres"
)

type deadLetters[C any] struct {
	List    deadLettersList[C]    `cmd:"" help:"List them."`
	Show    deadLettersShow[C]    `cmd:"" help:"Show one: envelope, headers, history, and its payload redacted."`
	Replay  deadLettersReplay[C]  `cmd:"" help:"Send them back to the queue where they failed."`
	Discard deadLettersDiscard[C] `cmd:"" help:"Remove them for good."`
	History deadLettersHistory[C] `cmd:"" help:"List what operators did with them, the last first."`
}

// deadLettersIn is where to look.
type deadLettersIn struct {
	Queue string `placeholder:"QUEUE" help:"Only those that failed in this queue."`
}

func inQueue[C any](ctx context.Context, p Program[C], cfg C, in deadLettersIn, t *terminal) (deadletter.Desk, error) {
	config, err := brokerNow(ctx, p, cfg, t)
	return deadletter.Desk{Broker: config, Topology: p.Topology(cfg), Queue: in.Queue}, err
}

type deadLettersList[C any] struct {
	List
	deadLettersIn
	Reason string `placeholder:"TEXT" help:"Only those with this in their reason."`
	Limit  int    `default:"100" help:"Show at most this many."`
}

func (c deadLettersList[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer, t *terminal) error {
	desk, err := inQueue(ctx, p, cfg, c.deadLettersIn, t)
	if err != nil {
		return err
	}
	return listLetters(ctx, desk, deadletter.Selection{Reason: c.Reason}, c.List, c.Limit, out, t)
}

// listLetters prints letters, and beside them how many there are beyond the limit.
func listLetters(ctx context.Context, desk deadletter.Desk, selection deadletter.Selection, list List, limit int, out io.Writer, t *terminal) error {
	var end func()
	desk.Progress, end = t.progress("looking at")
	letters, beyond, err := desk.List(ctx, selection, limit)
	end()
	if len(letters) > 0 || err == nil {
		err = errors.Join(err, Print(out, list, letters, letterColumns, letterCells))
	}
	if beyond > 0 {
		fmt.Fprintf(t.out, "%d more; --limit shows them\n", beyond)
	}
	return err
}

var letterColumns = []string{"MESSAGE", "QUEUE", "KEY", "ATTEMPTS", "REPLAYS", "FIRST FAILURE", "LAST FAILURE", "REASON"}

func letterCells(l deadletter.Letter) []string {
	return []string{
		plain(l.ID), l.Queue, plain(l.Key), strconv.Itoa(l.Attempts), strconv.Itoa(l.Replays),
		at(l.FirstFailure), at(l.LastFailure), plain(l.Reason),
	}
}

func at(moment *time.Time) string {
	if moment == nil {
		return "unknown"
	}
	return moment.Format(time.RFC3339)
}

type deadLettersShow[C any] struct {
	List
	deadLettersIn
	ID       string `arg:"" help:"The message's id."`
	Payload  bool   `help:"Show the payload as it is. This is audited."`
	Operator string `placeholder:"NAME" help:"Who you are, for the audit; else the account's name."`
}

func (c deadLettersShow[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer, t *terminal) error {
	desk, err := inQueue(ctx, p, cfg, c.deadLettersIn, t)
	if err != nil {
		return err
	}
	if !c.Payload {
		return c.show(ctx, desk, out)
	}
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		desk.Database, desk.Operator = db, cmp.Or(c.Operator, osUser())
		return c.show(ctx, desk, out)
	})
}

func (c deadLettersShow[C]) show(ctx context.Context, desk deadletter.Desk, out io.Writer) error {
	letters, err := desk.Show(ctx, c.ID, c.Payload)
	if err != nil {
		return err
	}
	if c.JSON {
		return Print(out, c.List, letters, nil, nil)
	}
	for _, letter := range letters {
		if err := printLetter(out, letter); err != nil {
			return err
		}
	}
	return nil
}

// deadLettersOf is which letters to act upon.
type deadLettersOf struct {
	List
	deadLettersIn
	IDs      []string `arg:"" optional:"" name:"id" help:"Those with these message ids."`
	Reason   string   `placeholder:"TEXT" help:"Those with this in their reason."`
	All      bool     `help:"All."`
	DryRun   bool     `name:"dry-run" help:"Only list them."`
	Operator string   `placeholder:"NAME" help:"Who you are, for the audit; else the account's name."`
}

// Validate is kong's: its error ends the command before it begins.
func (c deadLettersOf) Validate() error { return c.selection().Validate() }

func (c deadLettersOf) selection() deadletter.Selection {
	return deadletter.Selection{IDs: c.IDs, Reason: c.Reason, All: c.All}
}

type deadLettersReplay[C any] struct{ deadLettersOf }

func (c deadLettersReplay[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer, t *terminal) error {
	desk, err := inQueue(ctx, p, cfg, c.deadLettersIn, t)
	if err != nil {
		return err
	}
	if c.DryRun {
		return listLetters(ctx, desk, c.selection(), c.List, math.MaxInt, out, t)
	}
	return actOnLetters(p, cfg, desk, c.deadLettersOf, "replaying", "REPLAYED", out, t, func(desk deadletter.Desk) ([]deadletter.Tally, error) {
		return desk.Replay(ctx, c.selection())
	})
}

type deadLettersDiscard[C any] struct {
	deadLettersOf
	Yes bool `help:"Do not ask."`
}

func (c deadLettersDiscard[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer, t *terminal) error {
	selection := c.selection()
	desk, err := inQueue(ctx, p, cfg, c.deadLettersIn, t)
	if err != nil {
		return err
	}
	if c.DryRun {
		return listLetters(ctx, desk, selection, c.List, math.MaxInt, out, t)
	}
	if !c.Yes {
		if !t.answer {
			return errors.New("what is discarded is gone for good, and here is no terminal to ask: --yes says that it is meant")
		}
		// Nobody else can work on the letters while they are held: look, let go, ask, and then take those that were seen.
		letters, _, err := desk.List(ctx, selection, math.MaxInt)
		if err != nil || len(letters) == 0 {
			return err
		}
		if !t.confirm(ctx, fmt.Sprintf("Discard %d dead letters for good?", len(letters))) {
			return errors.New("nothing was discarded")
		}
		selection = deadletter.Selection{Reason: selection.Reason}
		for _, letter := range letters {
			selection.IDs = append(selection.IDs, letter.ID)
		}
	}
	return actOnLetters(p, cfg, desk, c.deadLettersOf, "discarding", "DISCARDED", out, t, func(desk deadletter.Desk) ([]deadletter.Tally, error) {
		return desk.Discard(ctx, selection)
	})
}

// actOnLetters prints what has become of the letters, also when not all of it could be done.
func actOnLetters[C any](p Program[C], cfg C, desk deadletter.Desk, c deadLettersOf, doing, done string, out io.Writer, t *terminal, act func(deadletter.Desk) ([]deadletter.Tally, error)) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		desk.Database, desk.Operator = db, cmp.Or(c.Operator, osUser())
		var end func()
		desk.Progress, end = t.progress(doing)
		tallies, err := act(desk)
		end()
		if len(tallies) == 0 && err != nil {
			return err
		}
		return errors.Join(err, Print(out, c.List, tallies, []string{"QUEUE", done, "FAILED"}, func(t deadletter.Tally) []string {
			return []string{t.Queue, strconv.Itoa(t.Done), strconv.Itoa(t.Failed)}
		}))
	})
}

type deadLettersHistory[C any] struct {
	List
	Limit int `default:"100" help:"Show at most this many."`
}

func (c deadLettersHistory[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		actions, err := deadletter.History(ctx, db, c.Limit)
		if err != nil {
			return err
		}
		columns := []string{"AT", "OPERATOR", "ACTION", "QUEUE", "MESSAGE", "KEY", "OUTCOME", "REASON"}
		return Print(out, c.List, actions, columns, func(a deadletter.Action) []string {
			return []string{
				a.At.Format(time.RFC3339), plain(a.Operator), a.Action, a.Queue, plain(a.MessageID), plain(a.Key),
				plain(cmp.Or(a.Outcome, "unknown")), plain(a.Reason),
			}
		})
	})
}
