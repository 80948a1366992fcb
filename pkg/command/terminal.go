package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal is where a person sits, if one does: questions, progress and remarks go to stderr, so that stdout has only
// what was asked for.
type terminal struct {
	in     io.Reader
	out    io.Writer // stderr
	shows  bool      // out is a terminal
	answer bool      // in and out are
}

func newTerminal(stderr io.Writer) *terminal {
	t := &terminal{in: os.Stdin, out: stderr}
	if file, ok := stderr.(*os.File); ok {
		t.shows = isTerminal(file)
	}
	t.answer = t.shows && isTerminal(os.Stdin)
	return t
}

func isTerminal(file *os.File) bool {
	return term.IsTerminal(int(file.Fd())) //nolint:gosec // a file descriptor is a small number
}

// few is how much passes by without a progress bar.
const few = 10

// progress returns a function that shows how far something is, and one that takes that away again.
func (t *terminal) progress(what string) (show func(passed, of int), end func()) {
	var bar *progressbar.ProgressBar
	show = func(passed, of int) {
		if !t.shows || of <= few {
			return
		}
		if bar == nil {
			bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(t.out), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set(passed) // it is only shown
	}
	return show, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}

// confirm asks, and takes anything but a clear yes for a no; so also the end of ctx.
func (t *terminal) confirm(ctx context.Context, question string) bool {
	fmt.Fprintf(t.out, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // ends with the input, or the process
		line, _ := bufio.NewReader(t.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return false
	case line := <-answer:
		return line == "y" || line == "yes"
	}
}

// osUser is the name of the person, or at least of the account.
func osUser() string {
	if account, err := user.Current(); err == nil && account.Username != "" {
		return account.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// plain is a text of somebody else's that cannot move the cursor, or pretend to be more lines than it is.
func plain(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) < 0 {
		return text
	}
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
