package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/process"
)

// child makes this binary a program that gets signals.
const child = "PROCESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		ctx, _ := process.Context()
		fmt.Fprintln(os.Stdout, "started")
		<-ctx.Done()
		fmt.Fprintln(os.Stdout, "cancelled")
		select {}
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// diary records what happens in which order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) patient(name string, started chan<- string) process.Component {
	return process.Component{Name: name, Run: func(ctx context.Context) error {
		started <- name
		<-ctx.Done()
		d.write("stop " + name)
		return ctx.Err()
	}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("components stop in reverse order when the context ends", func(t *testing.T) {
		t.Parallel()
		var d diary
		started := make(chan string, 3)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- process.Run(ctx, quiet, d.patient("database", started), d.patient("broker", started), d.patient("http", started))
		}()
		for range 3 {
			<-started
		}
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, []string{"stop http", "stop broker", "stop database"}, d.lines)
	})
	t.Run("one that fails stops the others and is the error", func(t *testing.T) {
		t.Parallel()
		var d diary
		broken := errors.New("broken")
		err := process.Run(t.Context(), quiet, d.patient("database", make(chan string, 1)),
			process.Component{Name: "worker", Run: func(context.Context) error { return broken }})
		require.ErrorIs(t, err, broken)
		require.EqualError(t, err, "worker: broken")
		assert.Equal(t, []string{"stop database"}, d.lines)
	})
	t.Run("one that ends without being told to is an error", func(t *testing.T) {
		t.Parallel()
		err := process.Run(t.Context(), quiet, process.Component{Name: "worker", Run: func(context.Context) error { return nil }})
		require.EqualError(t, err, "worker: ended without being told to")
	})
	t.Run("a panic is an error with its stack", func(t *testing.T) {
		t.Parallel()
		err := process.Run(t.Context(), quiet, process.Component{Name: "worker", Run: func(context.Context) error { panic("ouch") }})
		require.ErrorContains(t, err, "worker: panic: ouch")
		require.ErrorContains(t, err, "process_test.go")
	})
	t.Run("an error while stopping is told", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := process.Run(ctx, quiet, process.Component{Name: "relay", Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("not settled")
		}})
		require.EqualError(t, err, "stop relay: not settled")
	})
	t.Run("one that does not stop is left behind, and those under it still stop", func(t *testing.T) {
		t.Parallel()
		var d diary
		release := make(chan struct{})
		defer close(release)
		started := make(chan string, 1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- process.Run(ctx, quiet, d.patient("database", started),
				process.Component{Name: "stuck", Patience: 20 * time.Millisecond, Run: func(context.Context) error {
					<-release
					return nil
				}})
		}()
		<-started
		cancel()
		require.EqualError(t, <-done, "stop stuck: still running after 20ms")
		assert.Equal(t, []string{"stop database"}, d.lines)
	})
}

func TestContext(t *testing.T) {
	t.Parallel()
	for _, sent := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run("the first "+sent.String()+" cancels and the second exits at once", func(t *testing.T) {
			t.Parallel()
			program := exec.CommandContext(t.Context(), os.Args[0])
			program.Env = append(os.Environ(), child+"=1")
			output, err := program.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			lines := bufio.NewScanner(output)
			for _, expected := range []string{"started", "cancelled"} {
				require.True(t, lines.Scan())
				require.Equal(t, expected, lines.Text())
				require.NoError(t, program.Process.Signal(sent))
			}
			var exit *exec.ExitError
			require.ErrorAs(t, program.Wait(), &exit)
			assert.Equal(t, 1, exit.ExitCode())
		})
	}
	t.Run("its release ends it", func(t *testing.T) {
		t.Parallel()
		ctx, stop := process.Context()
		stop()
		stop()
		<-ctx.Done()
	})
}
