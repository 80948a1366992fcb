package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tizza/tizza/pkg/allowlist"
	"github.com/tizza/tizza/pkg/setting"
)

// Config says which broker to use, and as whom.
type Config struct {
	// URL of the broker: amqp://host:port/vhost, without credentials.
	URL string `env:"RABBITMQ_URL" override:"never, use the key rabbitmq/url"`
	// Username at the broker.
	Username string `env:"RABBITMQ_USERNAME" override:"never"`
	// Password at the broker.
	Password setting.Secret `env:"RABBITMQ_PASSWORD"`
	// AllowedHosts are the hosts that a value of RouteKey may name, as discovery has them: names, addresses, CIDRs, or
	// ".domain" for all under it. Empty allows every host but link-local ones. URL may name any.
	AllowedHosts []string `env:"DISCOVERY_ALLOWED_HOSTS" override:"never"`

	guarded bool // the URL is an operator's value: not every address may be dialed
}

// At is the same user at the broker of that URL, a value of RouteKey; "" is the configured one. Its error says what is
// wrong with the value without repeating it, such as a host that is not among AllowedHosts. What At gave never dials a link-local address, whatever its name resolves to.
func (c Config) At(url string) (Config, error) {
	if url == "" || url == c.URL {
		return c, nil
	}
	c.URL, c.guarded = url, true
	return c, checked(url, c.AllowedHosts)
}

// Validate names what is wrong with the settings, never their values.
func (c Config) Validate() error {
	if _, err := amqp.ParseURI(c.URL); err != nil {
		return errors.New("RABBITMQ_URL: must be an amqp or amqps URL")
	}
	if u, err := url.Parse(c.URL); err != nil || u.User != nil {
		return errors.New("RABBITMQ_URL: must not have credentials in it: they are RABBITMQ_USERNAME and RABBITMQ_PASSWORD")
	}
	if _, err := allowlist.Parse(c.AllowedHosts); err != nil {
		return err
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

// link keeps one connection of a part to a site's broker, for as long as the site is open.
type link struct {
	*part
	site    *site
	up      atomic.Bool
	wasUp   atomic.Bool
	why     atomic.Pointer[string]  // why it can not be used
	channel atomic.Pointer[channel] // a publisher's
	missing chan struct{}           // asks for the topology to be declared at once
	inHand  atomic.Int64            // messages that came here and are not settled
}

// socket is a connection and the means to cut it when a write hangs, which no context can interrupt.
type socket struct {
	*amqp.Connection
	raw net.Conn
}

// hangUp closes the connection, with or without a good-bye.
func (s *socket) hangUp() {
	_ = s.CloseDeadline(time.Now().Add(dialTimeout)) // already lost, or let go of: nothing depends on it
	_ = s.raw.Close()
}

// run dials and calls use with each new connection, until ctx ends. use returns when ctx ends or when it can do no
// more with this connection; its ctx also ends when the connection is lost.
func (l *link) run(ctx context.Context, use func(context.Context, *socket) error) {
	pause, logged := firstPause, ""
	for {
		started := time.Now()
		err := l.once(ctx, use)
		if ctx.Err() != nil {
			return
		}
		l.lost(err)
		if why := class(err); why != logged && !l.wasUp.Load() && !l.site.isLeft() {
			l.log.Warn("broker not usable yet, trying until it is", "connection", l.name, "broker", l.site.name, "error", err)
			logged = why
		}
		if time.Since(started) > longPause {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
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
	conn, err := dial(ctx, l.site.Config, l.name, l.frame)
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
	conn.hangUp()
	<-watched
	return err
}

// connected notes that the connection is of use now.
func (l *link) connected() {
	l.wasUp.Store(true)
	l.started.Store(true)
	if !l.up.Swap(true) {
		l.log.Info("broker connected", "connection", l.name, "broker", l.site.name)
		l.route.touch()
	}
}

// lost notes that the connection is of no use any more, which may be long before those who use it have finished.
func (l *link) lost(err error) {
	why := trouble(err)
	l.why.Store(&why)
	if l.up.Swap(false) {
		l.log.Warn("broker connection lost, trying again until it is back", "connection", l.name, "broker", l.site.name, "error", err)
		l.route.touch()
	}
}

// dial connects once.
func dial(ctx context.Context, config Config, name string, frame int) (*socket, error) {
	uri, err := amqp.ParseURI(config.URL)
	if err != nil {
		return nil, errors.New("broker URL is not an amqp or amqps URL")
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	if config.guarded {
		dialer.Control = allowlist.Control
	}
	var raw net.Conn
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(name)
	conn, err := amqp.DialConfig(config.URL, amqp.Config{
		SASL:       []amqp.Authentication{&amqp.PlainAuth{Username: config.Username, Password: config.Password.Reveal()}},
		Vhost:      uri.Vhost,
		Heartbeat:  heartbeat,
		FrameSize:  frame,
		Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
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
