package system

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestTheRecipesForEtcdDoWhatTheirPageSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(running.Root(), "deploy", "etcd.md"))
	require.NoError(t, err)
	o := newOperator(t)
	for _, key := range []string{"pizza/url", "rabbitmq/url", "likes/config/", "pizza/config/", "events/config/", "auth/config/"} {
		t.Cleanup(func() { // should it end half-way
			_, err := o.etcd.Delete(context.Background(), root+key, clientv3.WithPrefix())
			assert.NoError(t, err)
		})
	}
	for i := range 6 {
		_, err := tizza.HousePizza(t.Context(), fmt.Sprintf("On a page %d", i))
		require.NoError(t, err)
	}
	here := addresses(t)
	shell := newShell(t)
	sections, done := strings.Split(string(page), "\n## "), 0
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		_, err := o.etcd.Compact(t.Context(), o.put("compacted", "")) // before each, which none may notice
		require.NoError(t, err)
		o.del("compacted")
		for _, r := range recipes(here.Replace(section)) {
			if !shell.says(r) {
				t.Fatalf("%s\n$ %s\nsays\n%s\nnot\n%s", title, r.command, shell.said, r.output)
			}
			done++
		}
	}
	t.Logf("%d commands in %d sections", done, len(sections))
	assert.Greater(t, done, 30)
}

// addresses puts this system's in the place of the usual ones, which the page has.
func addresses(t *testing.T) *strings.Replacer {
	t.Helper()
	away := anotherBroker(t)
	usual := map[string]string{"8012": "http://" + unusedAddress(t), "25683": away.url, "25684": away.management}
	for service, port := range map[string]string{"AUTH": "8001", "PIZZA": "8002", "LIKES": "8003", "EVENTS": "8004"} {
		usual[port] = setting[service+"_URL"]
	}
	var pairs []string
	for port, here := range usual {
		address, err := url.Parse(here)
		require.NoError(t, err)
		pairs = append(pairs, "127.0.0.1:"+port, address.Host)
	}
	return strings.NewReplacer(pairs...)
}

// recipe is a command of the page and what it says.
type recipe struct{ command, output string }

// recipes are what stands in the page's console blocks.
func recipes(text string) (found []recipe) {
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if command, begins := strings.CutPrefix(line, "$ "); begins {
				found = append(found, recipe{command: strings.TrimSpace(command)})
			} else {
				found[len(found)-1].output += line
			}
		}
	}
	return found
}

// looks says that the command changes nothing, so that it may be called again until it says what it should.
func (r recipe) looks() bool {
	for _, prefix := range []string{"etcdctl get", "follows ", "curl -s $", "admin \""} {
		if strings.HasPrefix(r.command, prefix) {
			return true
		}
	}
	return false
}

// matches compares: … is anything in a line, and in a line of its own any lines.
func (r recipe) matches(output string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(r.output) {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString("(.*\n)*?")
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	if output != "" && !strings.HasSuffix(output, "\n") { // curl leaves that to the server
		output += "\n"
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(output)
}

// shell is bash, as an operator has it before them.
type shell struct {
	*testing.T
	in    io.Writer
	lines chan string
	said  string
}

// newShell begins in a folder that looks like the checkout of a system that is up.
func newShell(t *testing.T) *shell {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Symlink(running.Dir(), filepath.Join(folder, ".local")))
	bash := exec.CommandContext(context.Background(), "bash", "--noprofile", "--norc") //nolint:gosec // the page is ours
	bash.Dir, bash.WaitDelay = folder, patience
	bash.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	in, err := bash.StdinPipe()
	require.NoError(t, err)
	out, write := io.Pipe()
	bash.Stdout, bash.Stderr = write, write
	require.NoError(t, bash.Start())
	s := &shell{T: t, in: in, lines: make(chan string)}
	go func() {
		defer close(s.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "kill $(jobs -p) 2>/dev/null; wait; exit\n")
		_ = in.Close()
		_ = bash.Wait()
		_ = write.Close()
		for range s.lines { // to its end
		}
	})
	return s
}

// says does what the recipe does and returns whether it said what the page says, at the latest after a while.
func (s *shell) says(r recipe) bool {
	s.Helper()
	if !r.looks() {
		s.said = s.do(r.command)
		return r.matches(s.said)
	}
	return within(s.T, 4*patience, func() bool {
		s.said = s.do(r.command)
		return r.matches(s.said)
	})
}

// do has the shell do a command and returns what it says.
func (s *shell) do(command string) string {
	s.Helper()
	const end = "-- that was all --"
	_, err := io.WriteString(s.in, command+"\necho '"+end+"'\n")
	require.NoError(s, err)
	var said strings.Builder
	late := time.After(4 * patience)
	for {
		select {
		case line, open := <-s.lines:
			if before, last := strings.CutSuffix(line, end); last {
				said.WriteString(before)
				return said.String()
			}
			require.True(s, open, "the shell has ended: %s", said.String())
			said.WriteString(line + "\n")
		case <-late:
			require.Fail(s, "no answer", "%s\n%s", command, said.String())
		}
	}
}
