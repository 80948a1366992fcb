package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tizza/tizza/pkg/setting"
)

// Config says which broker to use, and as whom.
type Config struct {
	// URL of the broker: amqp://host:port/vhost, without credentials.
	URL string `env:"RABBITMQ_URL"`
	// Username at the broker.
	Username string `env:"RABBITMQ_USERNAME"`
	// Password at the broker.
	Password setting.Secret `env:"RABBITMQ_PASSWORD"`
}

// Validate names what is wrong with the settings, never their values.
func (c Config) Validate() error {
	if _, err := amqp.ParseURI(c.URL); err != nil {
		return errors.New("RABBITMQ_URL: must be an amqp or amqps URL")
	}
	if u, err := url.Parse(c.URL); err != nil || u.User != nil {
		return errors.New("RABBITMQ_URL: must not have credentials in it: they are RABBITMQ_USERNAME and RABBITMQ_PASSWORD")
	}
	return nil
}

const (
	dialTimeout = 5 * time.Second
	heartbeat   = 10 * time.Second
	firstPause  = 100 * time.Millisecond
	longPause   = 5 * time.Second
)

// ErrDisconnected says that there is no connection to the broker at the moment.
var ErrDisconnected = errors.New("broker: not connected")

// publisherFrame is the largest frame, in bytes, that a publisher agrees to: RabbitMQ's default. A consumer agrees to
// whatever the broker is set to, which is to be more: a message that just fits has to fit with what is added to its
// headers when it comes again, or it would cut the connection at every attempt.
const publisherFrame = 128 << 10

// link keeps one connection to the broker, for ever.
type link struct {
	config Config
	name   string
	frame  int // the largest frame to agree to; the broker's if 0
	log    *slog.Logger
	up     atomic.Bool
	wasUp  atomic.Bool
}

// socket is a connection and the means to cut it when a write hangs, which no context can interrupt.
type socket struct {
	*amqp.Connection
	raw net.Conn
}

// run dials and calls use with each new connection, until ctx ends. use returns when ctx ends or when it can do no
// more with this connection; its ctx also ends when the connection is lost.
func (l *link) run(ctx context.Context, use func(context.Context, *socket) error) error {
	pause, logged := firstPause, ""
	for {
		started := time.Now()
		err := l.once(ctx, use)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // to stop is what was asked for
		}
		l.lost(err)
		if why := class(err); why != logged && !l.wasUp.Load() {
			l.log.Warn("broker not usable yet, trying until it is", "connection", l.name, "error", err)
			logged = why
		}
		if time.Since(started) > longPause {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longPause)
	}
}

// class tells errors apart that need different hands: the broker's own words, or that it cannot be reached.
func class(err error) string {
	if refused, ok := errors.AsType[*amqp.Error](err); ok {
		return refused.Reason
	}
	return "unreachable"
}

func (l *link) once(ctx context.Context, use func(context.Context, *socket) error) error {
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	using, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		err := asError(<-closed)
		if ctx.Err() == nil { // else we are letting go of it ourselves
			l.lost(err)
		}
		cancel(err)
	}()
	err = use(using, conn)
	if cause := context.Cause(using); cause != nil && ctx.Err() == nil {
		err = cause
	}
	if ctx.Err() == nil {
		l.lost(err) // before closing, which would give a reason of its own
	}
	_ = conn.CloseDeadline(time.Now().Add(dialTimeout)) // already lost, or let go of: nothing depends on a good-bye
	_ = conn.raw.Close()
	<-watched
	return err
}

// connected notes that the connection is of use now.
func (l *link) connected() {
	l.wasUp.Store(true)
	if !l.up.Swap(true) {
		l.log.Info("broker connected", "connection", l.name)
	}
}

// lost notes that the connection is of no use any more, which may be long before those who use it have finished.
func (l *link) lost(err error) {
	if l.up.Swap(false) {
		l.log.Warn("broker connection lost, trying again until it is back", "connection", l.name, "error", err)
	}
}

// ready returns an error while there is no usable connection.
func (l *link) ready(context.Context) error {
	if !l.up.Load() {
		return ErrDisconnected
	}
	return nil
}

// started returns an error until there has been a usable connection.
func (l *link) started() error {
	if !l.wasUp.Load() {
		return ErrDisconnected
	}
	return nil
}

func (l *link) dial(ctx context.Context) (*socket, error) {
	uri, err := amqp.ParseURI(l.config.URL)
	if err != nil {
		return nil, errors.New("broker URL is not an amqp or amqps URL")
	}
	var raw net.Conn
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(l.name)
	conn, err := amqp.DialConfig(l.config.URL, amqp.Config{
		SASL:       []amqp.Authentication{&amqp.PlainAuth{Username: l.config.Username, Password: l.config.Password.Reveal()}},
		Vhost:      uri.Vhost,
		Heartbeat:  heartbeat,
		FrameSize:  l.frame,
		Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: dialTimeout}
			if raw, err = dialer.DialContext(ctx, network, address); err != nil {
				return nil, err
			}
			return raw, raw.SetDeadline(time.Now().Add(dialTimeout)) // for the handshake; the client lifts it after
		},
	})
	if err != nil {
		return nil, fmt.Errorf("dial broker: %w", err)
	}
	return &socket{Connection: conn, raw: raw}, nil
}
