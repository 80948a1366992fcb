package discovery

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// policy decides which hosts a value in etcd may name: tokens are sent there.
type policy struct {
	names    []string
	networks []netip.Prefix
}

func newPolicy(allowed []string) (policy, error) {
	var p policy
	for _, host := range allowed {
		host = strings.ToLower(strings.TrimSpace(host))
		if network, err := netip.ParsePrefix(host); err == nil {
			p.networks = append(p.networks, network)
			continue
		}
		if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			p.networks = append(p.networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		if host == "" || strings.ContainsAny(host, "/:@ *") {
			return policy{}, errors.New("DISCOVERY_ALLOWED_HOSTS: must be names, addresses, CIDRs or .domains, separated by commas")
		}
		p.names = append(p.names, host)
	}
	return p, nil
}

// check returns the address, or why it is refused, without repeating it.
func (p policy) check(address string) (*url.URL, error) {
	u, err := usable(address)
	if err != nil {
		return nil, err
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	ip, err := netip.ParseAddr(host)
	numeric := err == nil
	if numeric {
		if err := callable(ip); err != nil {
			return nil, err
		}
	}
	ip = ip.Unmap()
	if !numeric && looksNumeric(host) {
		return nil, errors.New("the host is an address in an unusual form")
	}
	if len(p.names)+len(p.networks) == 0 {
		return u, nil
	}
	if numeric && slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return u, nil
	}
	if !numeric && slices.ContainsFunc(p.names, func(name string) bool { return matches(name, host) }) {
		return u, nil
	}
	return nil, errors.New("the host is not among DISCOVERY_ALLOWED_HOSTS")
}

// callable refuses addresses at which no service is, but a cloud's metadata may be.
func callable(ip netip.Addr) error {
	ip = ip.Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return errNotCallable
	}
	return nil
}

var errNotCallable = errors.New("the host is link-local, multicast or unspecified")

// Control is for net.Dialer.Control: it refuses addresses that a policy could not
// see, as a name leads to them: link-local, multicast and unspecified ones.
func Control(_, address string, _ syscall.RawConn) error {
	found, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("the address to dial is not one")
	}
	return callable(found.Addr())
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

func matches(name, host string) bool {
	if strings.HasPrefix(name, ".") {
		return strings.HasSuffix(host, name)
	}
	return host == name
}

// looksNumeric finds forms such as 2852039166 or 0xa9fea9fe, which some resolvers
// take for addresses: no name ends in a number (WHATWG URL, "ends in a number").
func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && (strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"))
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
