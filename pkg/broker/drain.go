package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// What is seen at a broker that was left.
const (
	busy   = iota // there are messages
	silent        // it cannot be asked
	empty
)

// drain keeps a site open until nobody publishes there any more and its queues have been empty for a while. A broker that
// cannot be reached for as long is let go of, too: it is looked at again.
func (r *Route) drain(ctx context.Context, config Config) {
	s := r.openLeft(ctx, config)
	if s == nil {
		return
	}
	sounding := r.newSounding(config)
	defer sounding.close()
	last, since := busy, time.Now()
	for {
		seen := r.look(ctx, s, sounding)
		if seen != last || r.straggling() {
			last, since = seen, time.Now()
		}
		if seen != busy && time.Since(since) >= r.pace.settle && r.letGo(ctx, s, seen) {
			return
		}
		if !pause(ctx, r.pace.settle/5) {
			return
		}
	}
}

// openLeft opens the site, unless it is the active one again, by which ctx has ended.
func (r *Route) openLeft(ctx context.Context, config Config) *site {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	s := r.open(config, draining)
	if s.standing == coming { // or it would be dropped under our hands when the move to it fails
		s.standing = draining
	}
	return s
}

func (r *Route) look(ctx context.Context, s *site, sounding *sounding) int {
	messages, err := sounding.take(ctx)
	if err != nil {
		return silent
	}
	r.mu.Lock()
	for _, p := range r.parts {
		if l := p.links[s]; l != nil {
			messages += int(l.inHand.Load())
		}
	}
	r.mu.Unlock()
	s.lying.Store(int64(messages))
	if messages > 0 {
		return busy
	}
	return empty
}

// letGo closes a drained site, unless it is needed after all.
func (r *Route) letGo(ctx context.Context, s *site, seen int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || s.wanted || s.standing != draining || s == r.publishing {
		return false
	}
	r.log.Info("let go of a broker that was left", "broker", s.name, "reached", seen == empty)
	r.drop(s)
	return true
}

// sounding counts what lies in this process's queues at a broker.
type sounding struct {
	config Config
	name   string
	queues func() []string
	conn   *socket
}

func (r *Route) newSounding(config Config) *sounding {
	s := &sounding{config: config, name: "drain"}
	s.queues = func() (all []string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		circle := r.circles(config.URL)
		for _, p := range r.parts {
			s.name = p.service + ".drain"
			for _, queue := range p.queues {
				if !circle || !strings.HasSuffix(queue, deadSuffix) {
					all = append(all, queue)
				}
			}
		}
		return all
	}
	return s
}

// take counts. It declares nothing: a queue that is not there is empty.
func (s *sounding) take(ctx context.Context) (messages int, err error) {
	queues := s.queues()
	if len(queues) == 0 {
		return 0, nil
	}
	if s.conn == nil || s.conn.IsClosed() {
		s.close()
		if s.conn, err = dial(ctx, s.config, s.name, 0); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout) // a broker that has stopped reading would hang it
	defer cancel()
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.raw.Close() })()
	return countIn(conn, queues)
}

func (s *sounding) close() {
	if s.conn != nil {
		s.conn.hangUp()
		s.conn = nil
	}
}

func countIn(conn *socket, queues []string) (messages int, err error) {
	var ch *amqp.Channel
	for _, queue := range queues {
		if ch == nil || ch.IsClosed() {
			if ch, err = conn.Channel(); err != nil {
				return 0, fmt.Errorf("open channel to look at queues: %w", err)
			}
		}
		found, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.NotFound {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("look at queue %s: %w", queue, err)
		}
		messages += found.Messages
	}
	return messages, ch.Close()
}
