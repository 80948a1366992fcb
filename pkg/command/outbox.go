package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

type outboxes[C any] struct {
	List  outboxList[C]  `cmd:"" help:"List messages that have not been sent yet, the oldest first. Their bodies stay hidden."`
	Retry outboxRetry[C] `cmd:"" help:"Send messages now that have failed, instead of when their time comes."`
}

type outboxList[C any] struct {
	List
	State string `enum:",waiting,claimed,parked" default:"" help:"Only those: waiting, claimed or parked."`
	Limit int    `default:"100" help:"At most so many."`
}

// Validate is called by kong.
func (c outboxList[C]) Validate() error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return nil
}

func (c outboxList[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		entries, err := outbox.List(ctx, db, outbox.Filter{State: outbox.State(c.State)}, c.Limit)
		if err != nil {
			return err
		}
		columns := []string{"ID", "MESSAGE", "EXCHANGE", "KEY", "STATE", "ATTEMPTS", "AGE", "NEXT", "REASON"}
		return Print(out, c.List, entries, columns, func(e outbox.Entry) []string {
			next := "now"
			if e.Next > 0 {
				next = e.Next.Round(time.Second).String()
			}
			return []string{
				strconv.FormatInt(e.ID, 10), e.MessageID.String(), e.Exchange, e.Key, string(e.State),
				strconv.Itoa(e.Attempts), e.Age.Round(time.Second).String(), next, e.Reason,
			}
		})
	})
}

type outboxRetry[C any] struct {
	IDs    []int64 `arg:"" optional:"" name:"id" help:"Rows, as list names them."`
	Parked bool    `help:"All that are parked."`
	All    bool    `help:"All that have failed, parked or not."`
	DryRun bool    `help:"Only say how many."`
}

// Validate is called by kong.
func (c outboxRetry[C]) Validate() error {
	ways := 0
	for _, chosen := range []bool{len(c.IDs) > 0, c.Parked, c.All} {
		if chosen {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("wants ids, or --parked, or --all")
	}
	return nil
}

func (c outboxRetry[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		done, err := outbox.Retry(ctx, db, outbox.Choice{IDs: c.IDs, Parked: c.Parked, Failed: c.All}, c.DryRun)
		if err != nil {
			return err
		}
		verdict := "due now"
		if c.DryRun {
			verdict = "would be due now"
		}
		_, err = fmt.Fprintf(out, "%s: %d\n", verdict, done.Due)
		if done.Sending > 0 && err == nil {
			_, err = fmt.Fprintf(out, "being sent at this moment, left alone: %d\n", done.Sending)
		}
		return err
	})
}
