package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/tizza/tizza/pkg/message"
)

// readyLook is how often a publisher that failed is asked whether it is back, and how long it has to notice that it is
// not.
const readyLook = 50 * time.Millisecond

// letter is a claimed row on its way, and what became of it.
type letter struct {
	row
	message message.Message
	fate    fate
	reason  error // why it did not arrive
}

type fate int

const (
	returned   fate = iota // not tried, or it failed through no fault of its own
	delivered              // confirmed, and a queue took it
	failed                 // the broker did not take it, and took others
	unreadable             // no message can be made of it
)

// send brings claimed rows to the broker and settles each by what became of it. Once begun it is brought to its end,
// within the lease, also when the relay is told to stop.
func (r *Relay) send(ctx context.Context, rows []row) (sent int, err error) {
	publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.lease*2/3)
	defer cancel()
	letters := make([]*letter, len(rows))
	for i, row := range rows {
		letters[i] = &letter{row: row, reason: errors.New("the publisher failed before it was this row's turn")}
		if letters[i].message, err = row.message(); err != nil {
			letters[i].fate, letters[i].reason = unreadable, err
		}
	}
	down := r.deliver(ctx, publishing, letters)

	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.lease/3)
	defer cancel()
	sent, err = r.settle(settling, letters)
	return sent, errors.Join(down, err)
}

// deliver publishes the letters: first those that are new, all at once, then kind by kind those that failed, in this or
// before. A message for an exchange that does not exist, or that may not be written to, makes the broker close the
// channel, and all that were under way on it fail with it: sent by themselves, the others arrive, and the culprit's
// kind is left with its own reason.
//
// The error is the publisher's, if it does not come back: then nobody knows who is to blame, and no row is. It is not
// waited for once stop has ended.
func (r *Relay) deliver(stop, ctx context.Context, letters []*letter) error {
	fresh := filter(letters, func(l *letter) bool { return l.fate == returned && l.Attempts == 1 })
	if !r.publish(ctx, fresh) {
		if err := r.ready(stop, ctx); err != nil {
			return err
		}
	}
	for _, kind := range kinds(filter(letters, func(l *letter) bool { return l.fate == returned })) {
		if r.publish(ctx, kind) {
			continue
		}
		if err := r.ready(stop, ctx); err != nil {
			return err
		}
		for _, l := range kind {
			if l.fate == returned {
				l.fate = failed
			}
		}
	}
	return nil
}

// publish sends the letters together, notes what arrived, and says whether all did.
func (r *Relay) publish(ctx context.Context, letters []*letter) (all bool) {
	if len(letters) == 0 {
		return true
	}
	messages := make([]message.Message, len(letters))
	for i, l := range letters {
		messages[i] = l.message
	}
	all = true
	for i, err := range r.publisher.Publish(ctx, messages) {
		if err != nil {
			letters[i].reason, all = err, false
			continue
		}
		letters[i].fate = delivered
	}
	return all
}

// ready waits for a publisher that has just failed, for longer than it pauses between two connections.
func (r *Relay) ready(stop, ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.lease/3)
	defer cancel()
	look := time.NewTicker(readyLook)
	defer look.Stop()
	for {
		select {
		case <-stop.Done():
			return stop.Err()
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-look.C:
			if err = r.publisher.Ready(ctx); err == nil {
				return nil
			}
		}
	}
}

// kinds sorts letters by where they go, in the order in which the first of each kind comes.
func kinds(letters []*letter) [][]*letter {
	type kind struct{ exchange, key string }
	at := map[kind]int{}
	var sorted [][]*letter
	for _, l := range letters {
		k := kind{l.Exchange, l.Key}
		i, known := at[k]
		if !known {
			i = len(sorted)
			at[k], sorted = i, append(sorted, nil)
		}
		sorted[i] = append(sorted[i], l)
	}
	return sorted
}

func filter(letters []*letter, keep func(*letter) bool) (kept []*letter) {
	for _, l := range letters {
		if keep(l) {
			kept = append(kept, l)
		}
	}
	return kept
}
