package outbox

import (
	"math/rand/v2"
	"strings"
	"time"
)

const (
	// maxAttempts is how often a row may fail before it is parked: some five minutes after its first failure.
	maxAttempts = 10
	// longestPause is the longest that a row lies still by intention: parked, or held back by its message's delay.
	longestPause = 10 * time.Minute
	longDelay    = time.Minute // between attempts, give or take half
	soon         = time.Second
)

// verdict is what becomes of a row that did not arrive.
type verdict struct {
	state    State
	attempts int
	pause    time.Duration
}

// verdict gives an attempt back that failed through no fault of the row. A failure of its own postpones it, for 1 s, 2 s,
// 4 s … 1 min, give or take half, so that rows that failed together, perhaps because of one among them, do not meet
// again. In the end it parks it.
func (l *letter) verdict() verdict {
	switch {
	case l.fate == returned && l.Attempts > maxAttempts && l.ParkedAt != nil:
		return verdict{Parked, l.Attempts - 1, soon}
	case l.fate == returned:
		return verdict{Waiting, l.Attempts - 1, soon}
	case l.fate == unreadable || l.Attempts >= maxAttempts:
		return verdict{Parked, max(l.Attempts, maxAttempts), longestPause - rand.N(longestPause/10)}
	}
	pause := min(time.Second<<min(l.Attempts-1, 6), longDelay)
	return verdict{Waiting, l.Attempts, pause/2 + rand.N(pause)}
}

// parks reports whether the verdict is what parks the row: it was not parked when it was claimed.
func (l *letter) parks() bool {
	was := l.ParkedAt != nil && l.Attempts > maxAttempts
	return !was && l.verdict().state == Parked
}

// clip makes a text of a reason that the database takes and a line shows.
func clip(reason string) string {
	const most = 500
	reason = strings.Join(strings.Fields(strings.ReplaceAll(reason, "\x00", " ")), " ")
	return strings.ToValidUTF8(reason[:min(len(reason), most)], "�")
}
