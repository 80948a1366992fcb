package deadletter

import (
	"cmp"
	"time"

	"github.com/tizza/tizza/pkg/broker"
)

// Letter is a dead letter as it is shown.
type Letter struct {
	ID           string     `json:"id"`
	Queue        string     `json:"queue"` // where it failed
	Key          string     `json:"key"`   // its type: name and version of the body
	Attempts     int        `json:"attempts"`
	Replays      int        `json:"replays"`
	FirstFailure *time.Time `json:"first_failure"` // null: unknown
	LastFailure  *time.Time `json:"last_failure"`
	Reason       string     `json:"reason"`

	// The rest is only shown of single letters.
	*Details
}

// Details are the envelope, the headers and the payload of a letter.
type Details struct {
	Exchange    string         `json:"exchange"`
	App         string         `json:"app"`
	Time        *time.Time     `json:"time"` // null: unknown
	Waits       int            `json:"waits"`
	ContentType string         `json:"content_type"`
	Headers     map[string]any `json:"headers"`
	Redacted    bool           `json:"redacted"`
	Payload     any            `json:"payload"`
}

func view(l *broker.Letter) Letter {
	return Letter{
		ID: l.ID, Queue: l.Queue, Key: cmp.Or(l.Type, l.Key), Attempts: l.Attempts, Replays: l.Replays,
		FirstFailure: known(l.FirstFailure), LastFailure: known(l.LastFailure), Reason: l.Reason,
	}
}

// known is nil for a time that nobody has set, and for one that JSON cannot say: milliseconds taken for seconds.
func known(at time.Time) *time.Time {
	if at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
		return nil
	}
	return &at
}

func detailed(l *broker.Letter, reveal bool) Letter {
	shown := view(l)
	payload := redacted
	if reveal {
		payload = revealed
	}
	shown.Details = &Details{
		Exchange: l.Exchange, App: l.App, Time: known(l.Time.UTC()), Waits: l.Waits, ContentType: l.ContentType,
		Headers: l.Headers, Redacted: !reveal, Payload: payload(l.ContentType, l.Body),
	}
	return shown
}
