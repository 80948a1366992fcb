package discovery

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/tizza/tizza/pkg/allowlist"
)

// policy decides which hosts a value in etcd may name: tokens are sent there.
type policy struct{ hosts allowlist.List }

func newPolicy(allowed []string) (policy, error) {
	hosts, err := allowlist.Parse(allowed)
	return policy{hosts}, err
}

// check returns the address, or why it is refused, without repeating it.
func (p policy) check(address string) (*url.URL, error) {
	u, err := usable(address)
	if err != nil {
		return nil, err
	}
	if err := p.hosts.Allows(u.Hostname()); err != nil {
		return nil, err
	}
	return u, nil
}

var errNotCallable = allowlist.ErrForbidden

// Control is for net.Dialer.Control: it refuses addresses that a policy could not
// see, as a name leads to them: link-local, multicast and unspecified ones.
func Control(network, address string, conn syscall.RawConn) error {
	return allowlist.Control(network, address, conn)
}

// readable refuses what nobody means to put: the reason never repeats it.
func readable(value string) error {
	switch {
	case value == "":
		return errors.New("it is empty")
	case len(value) > maxValue:
		return errors.New("it is longer than 2 KiB")
	case !utf8.ValidString(value):
		return errors.New("it is not UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("it has control characters in it")
	}
	return nil
}

// usable parses an absolute http or https URL without credentials, query or
// fragment. Its errors do not repeat it: it may hold a password.
func usable(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, errors.New("it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("it is not an absolute http or https URL")
	case u.Port() != "" && !isPort(u.Port()):
		return nil, errors.New("its port is not one")
	case u.User != nil:
		return nil, errors.New("it has credentials in it")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it has a query or a fragment")
	}
	return u, nil
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}
