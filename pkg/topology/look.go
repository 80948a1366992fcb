package topology

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tizza/tizza/pkg/setting"
)

// Bounds on what the management API may take and say.
const (
	askTimeout = 10 * time.Second
	mostBytes  = 64 << 20
)

// Management is where RabbitMQ's management API is, and who asks. The user is another than the service's, which may not.
type Management struct {
	URL      string
	Username string
	Password setting.Secret
}

// Validate names what is wrong with the settings.
func (m Management) Validate() error { return setting.CheckURL("RABBITMQ_MANAGEMENT_URL", m.URL) }

// Seen is what stands in a virtual host.
type Seen struct {
	exchanges []seenExchange
	queues    []seenQueue
	bindings  []seenBinding
	consumed  map[string]int // consumers by queue
}

type seenExchange struct {
	Name, Type string
	Durable    bool
	AutoDelete bool `json:"auto_delete"`
}

type seenQueue struct {
	Name       string
	Durable    bool
	AutoDelete bool `json:"auto_delete"`
	Exclusive  bool
	Arguments  map[string]any
	Messages   int
}

type seenBinding struct {
	Source      string
	Destination string
	To          string `json:"destination_type"` // queue or exchange
	Key         string `json:"routing_key"`
}

// Look reads the virtual host of a broker's URL.
func (m Management) Look(ctx context.Context, brokerURL string) (Seen, error) {
	uri, err := amqp.ParseURI(brokerURL)
	if err != nil {
		return Seen{}, errors.New("the broker's URL is not an amqp URL")
	}
	if err := m.mayLook(ctx); err != nil {
		return Seen{}, err
	}
	var seen Seen
	var consumers []struct{ Queue struct{ Name string } }
	vhost := "/" + url.PathEscape(uri.Vhost)
	for path, into := range map[string]any{
		"/api/exchanges" + vhost: &seen.exchanges,
		"/api/bindings" + vhost:  &seen.bindings,
		"/api/consumers" + vhost: &consumers,
		// The totals are of now; statistics are some seconds old.
		"/api/queues" + vhost + "?disable_stats=true&enable_queue_totals=true": &seen.queues,
	} {
		if err := m.ask(ctx, path, into); err != nil {
			return Seen{}, err
		}
	}
	seen.consumed = map[string]int{}
	for _, c := range consumers {
		seen.consumed[c.Queue.Name]++
	}
	return seen, nil
}

// mayLook returns an error unless the user sees everything: one with the tag "management" alone does not see the
// consumers of others, and all queues would look deserted.
func (m Management) mayLook(ctx context.Context) error {
	var who struct{ Tags json.RawMessage } // a list, or before 3.9 its elements with commas between
	if err := m.ask(ctx, "/api/whoami", &who); err != nil {
		return err
	}
	tags := strings.FieldsFunc(string(who.Tags), func(r rune) bool { return strings.ContainsRune(`[]", `, r) })
	if !slices.Contains(tags, "monitoring") && !slices.Contains(tags, "administrator") {
		return m.refused("its tags are not enough")
	}
	return nil
}

func (m Management) refused(why string) error {
	return fmt.Errorf("RabbitMQ's management refuses the user %q (%s): RABBITMQ_USERNAME and RABBITMQ_PASSWORD have to be those of a user"+
		" with the tag monitoring and a right in the virtual host; a service's own user has none", m.Username, why)
}

func (m Management) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(m.URL, "/")+path, nil)
	if err != nil {
		return fmt.Errorf("ask RabbitMQ's management: %w", err)
	}
	request.SetBasicAuth(m.Username, m.Password.Reveal())
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the password goes nowhere else
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask RabbitMQ's management: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBytes))
	switch {
	case err != nil:
		return fmt.Errorf("read what RabbitMQ's management says: %w", err)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return m.refused(reason(body))
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("ask RabbitMQ's management for %s: %s: %s", request.URL.Path, response.Status, reason(body))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("understand what RabbitMQ's management says to %s: %w", request.URL.Path, err)
	}
	return nil
}

// reason is what an error's body says, cut to a line.
func reason(body []byte) string {
	var refusal struct{ Reason string }
	if json.Unmarshal(body, &refusal) != nil || refusal.Reason == "" {
		return "no reason given"
	}
	line, _, _ := strings.Cut(refusal.Reason, "\n")
	return line[:min(len(line), 200)]
}
