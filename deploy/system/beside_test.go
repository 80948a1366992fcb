package system

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

// second is a replica of a service beside the one that the cluster runs, with an address of its own.
type second struct {
	t             *testing.T
	service, role string
	more          []string
	host          string
	command       *exec.Cmd
	output        bytes.Buffer
}

// beside starts a replica in that role, with more environment, and waits until it is ready. It is ended with the test.
func beside(ctx context.Context, t *testing.T, service, role string, more ...string) *second {
	t.Helper()
	s := &second{t: t, service: service, role: role, more: more, host: unusedAddress(t)}
	t.Cleanup(func() {
		if s.command != nil && s.command.ProcessState == nil {
			_ = s.command.Process.Kill()
			_ = s.command.Wait()
		}
		if t.Failed() {
			said := s.output.String()
			t.Logf("the end of what the second %s said:\n%s", service, said[max(0, len(said)-8<<10):])
		}
	})
	s.start(ctx)
	return s
}

// start runs it, again at the same address after a stop, and waits until it is ready.
func (s *second) start(ctx context.Context) {
	s.t.Helper()
	command, err := running.Command(context.WithoutCancel(ctx), s.service, s.role)
	require.NoError(s.t, err)
	command.Env = append(append(command.Env, "HTTP_ADDR="+s.host, "ADVERTISE_URL="+s.url()), s.more...)
	command.Stdout, command.Stderr = &s.output, &s.output
	require.NoError(s.t, command.Start())
	s.command = command
	ready := within(s.t, patience, func() bool {
		answer, err := tizza.Call(ctx, visitor.Anyone{}, http.MethodGet, s.url()+"/readyz", nil)
		return err == nil && answer.Status == http.StatusOK
	})
	require.True(s.t, ready, "the second %s is ready", s.service)
}

func (s *second) url() string { return "http://" + s.host }

// stop ends the replica as an update does, and waits for it.
func (s *second) stop() {
	s.t.Helper()
	require.NoError(s.t, s.command.Process.Signal(syscall.SIGTERM))
	assert.NoError(s.t, s.command.Wait(), "stops in order")
}

// counted is what the replica's metrics of that name say, all together; labels may follow the name.
func (s *second) counted(ctx context.Context, metric string) (sum float64) {
	s.t.Helper()
	for _, line := range metrics(ctx, s.t, s.url()) {
		name, value, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, metric) {
			number, err := strconv.ParseFloat(value[strings.LastIndex(value, " ")+1:], 64)
			require.NoError(s.t, err)
			sum += number
		}
	}
	return sum
}

// metrics are the lines of what a process at that URL counts.
func metrics(ctx context.Context, t *testing.T, url string) []string {
	t.Helper()
	answer, err := tizza.Call(ctx, visitor.Anyone{}, http.MethodGet, url+"/metrics", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Want(http.StatusOK, nil))
	return strings.Split(string(answer.Body), "\n")
}
