package broker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

func TestABrokerThatStopsAnsweringIsAnError(t *testing.T) {
	for name, act := range map[string]func(*broker.DeadLetters, *broker.Letter) error{
		"next": func(d *broker.DeadLetters, _ *broker.Letter) error {
			_, err := d.Next(context.Background())
			return err
		},
		"discard": func(d *broker.DeadLetters, l *broker.Letter) error { return d.Discard(l) },
	} {
		t.Run(name, func(t *testing.T) {
			b, channel := newReader(t, nil)
			put(t, channel, "reader.news.dead", dead("was down"))
			put(t, channel, "reader.news.dead", dead("was down"))
			var silence atomic.Bool
			b.config.URL = through(t, b.config.URL, &silence)
			d := b.look()
			letter, err := d.Next(t.Context())
			require.NoError(t, err)
			silence.Store(true)
			began := time.Now()
			require.ErrorContains(t, act(d, letter), "no answer")
			_ = d.Close()
			assert.Less(t, time.Since(began), 19*time.Second) // the heartbeat would notice later
		})
	}
}

// through is the broker's URL by way of a proxy that passes nothing on from the broker while there is silence.
func through(t *testing.T, address string, silence *atomic.Bool) string {
	target, err := url.Parse(address)
	require.NoError(t, err)
	host := target.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	target.Host = listener.Addr().String()
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		client, err := listener.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", host)
		if err != nil {
			return
		}
		defer server.Close()
		answers := make(chan struct{})
		go func() {
			defer close(answers)
			buffer := make([]byte, 64<<10)
			for {
				n, err := server.Read(buffer)
				if err != nil {
					return
				}
				if !silence.Load() {
					_, _ = client.Write(buffer[:n])
				}
			}
		}()
		_, _ = io.Copy(server, client)
		_ = server.Close()
		<-answers
	}()
	return target.String()
}

func TestALookSaysWhatIsWrong(t *testing.T) {
	b := newBench(t)
	for name, test := range map[string]struct {
		change func(*broker.Config)
		expect string
	}{
		"no queue":       {func(*broker.Config) {}, "the service declares it when it runs"},
		"no broker":      {func(c *broker.Config) { c.URL = "amqp://127.0.0.1:1/" }, "dial broker"},
		"wrong password": {func(c *broker.Config) { c.Password = "hunter2" }, "dial broker"},
	} {
		t.Run(name, func(t *testing.T) {
			config, began := b.config, time.Now()
			test.change(&config)
			_, err := broker.OpenDeadLetters(t.Context(), config, readers, "reader.news")
			require.ErrorContains(t, err, test.expect)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), b.config.Password.Reveal())
			assert.Less(t, time.Since(began), 30*time.Second)
		})
	}
}

func TestAConnectionCutBetweenPublishAndAckLosesNothing(t *testing.T) {
	b, channel := newReader(t, nil)
	put(t, channel, "reader.news.dead", dead("was down"))
	d := b.look()
	letters := rest(t, d)
	d.BetweenPublishAndAck(d.Cut)
	require.Equal(t, []error{nil}, d.Replay(letters...), "it has been replayed")
	_ = d.Close()
	b.hasOneEffect(letters[0].ID)
}

const childURL = "BROKER_TEST_CHILD_URL"

func TestAKillBetweenPublishAndAckLosesNothing(t *testing.T) {
	b, channel := newReader(t, nil)
	letter := dead("was down")
	put(t, channel, "reader.news.dead", letter)
	child := exec.Command(os.Args[0], "-test.run=^TestChildIsKilledWhileItReplays$")
	child.Env = append(os.Environ(), childURL+"="+b.config.URL,
		childURL+"_USERNAME="+b.config.Username, childURL+"_PASSWORD="+b.config.Password.Reveal())
	output, err := child.CombinedOutput()
	require.ErrorContains(t, err, "signal: killed", string(output))
	b.hasOneEffect(letter.MessageId)
}

// TestChildIsKilledWhileItReplays is the other process of the test before; there is nothing to see without that.
func TestChildIsKilledWhileItReplays(t *testing.T) {
	address := os.Getenv(childURL)
	if address == "" {
		return
	}
	d, err := broker.OpenDeadLetters(t.Context(), broker.Config{
		URL: address, Username: os.Getenv(childURL + "_USERNAME"), Password: setting.Secret(os.Getenv(childURL + "_PASSWORD")),
	}, readers, "reader.news")
	require.NoError(t, err)
	d.BetweenPublishAndAck(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	d.Replay(rest(t, d)...)
	t.Fatal("is still alive")
}

// hasOneEffect expects a letter both replayed and still there, replays it again, and lets a consumer with an inbox have
// all of it.
func (b *bench) hasOneEffect(id string) {
	t := b.t
	servertest.Eventually(t, patience, "replayed", func() bool { return b.depth("reader.news") == 1 })
	servertest.Eventually(t, patience, "still a dead letter", func() bool { return b.depth("reader.news.dead") == 1 })
	d := b.look()
	require.Equal(t, []error{nil}, d.Replay(rest(t, d)...))
	require.NoError(t, d.Close())

	database := servertest.Postgres(t, inbox.Schema())
	var came, effects atomic.Int32
	b.startPublisher()
	b.ready(b.consume(func(ctx context.Context, d broker.Delivery) error {
		if d.ID.String() != id {
			return fmt.Errorf("got %s", d.ID)
		}
		defer came.Add(1)
		return inbox.Once(ctx, database, "reader.news", []broker.Delivery{d}, func(*gorm.DB, []broker.Delivery) error {
			effects.Add(1)
			return nil
		})
	}))
	servertest.Eventually(t, patience, "both came", func() bool { return came.Load() == 2 })
	assert.EqualValues(t, 1, effects.Load())
}
