package broker

import (
	"errors"
	"net"
	"net/url"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tizza/tizza/pkg/allowlist"
)

// maxURL is the longest address of a broker, in bytes.
const maxURL = 2 << 10

// finalError is a value that no further attempt can make work.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Final tells whoever calls Follow that it need not try again.
func (finalError) Final() bool { return true }

// checked says what is wrong with an operator's address of a broker, without repeating it: it may hold a password. The
// user's own goes to whoever answers there, so that only hosts of the list may be named.
func checked(address string, hosts []string) error {
	if len(address) > maxURL {
		return errors.New("it is longer than 2 KiB")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return errors.New("it is not an amqp or amqps URL with a host")
	}
	_, err = amqp.ParseURI(address)
	switch {
	case u.Scheme != "amqp" && u.Scheme != "amqps":
		return errors.New("it is not an amqp or amqps URL")
	case u.User != nil:
		return errors.New("it has credentials in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("it has a query or a fragment")
	case err != nil:
		return errors.New("it is not an address of a broker")
	}
	list, err := allowlist.Parse(hosts)
	if err != nil {
		return err
	}
	return list.Allows(u.Hostname())
}

// label is how metrics and logs call the broker of a valid address: host:port/vhost.
func label(address string) string {
	uri, err := amqp.ParseURI(address)
	if err != nil {
		return "unknown"
	}
	host := net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))
	if uri.Vhost == "/" {
		return host + "/"
	}
	return host + "/" + uri.Vhost
}

// trouble says in an operator's words why a broker can not be used, without the broker's own, which may name what
// nobody else should read.
func trouble(err error) string {
	refused, ok := errors.AsType[*amqp.Error](err)
	switch {
	case errors.Is(err, allowlist.ErrForbidden):
		return allowlist.ErrForbidden.Error()
	case !ok:
		return "the broker cannot be reached"
	case refused.Code == amqp.AccessRefused:
		return "the broker refuses the user, or a right that it needs"
	case refused.Code == amqp.NotAllowed:
		return "the broker refuses the virtual host"
	case refused.Code == amqp.NotFound:
		return "the broker lacks what another service has to declare"
	case refused.Code == amqp.PreconditionFailed:
		return "the broker has a queue or an exchange of other arguments"
	}
	return "the broker broke off with code " + strconv.Itoa(refused.Code)
}
