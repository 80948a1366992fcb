// Package allowlist says which hosts an operator's values may name: tokens and passwords are sent there.
package allowlist

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// List is the hosts that are allowed. The zero List allows every host but those that no List does.
type List struct {
	names    []string
	networks []netip.Prefix
}

// ErrForbidden says that an address is one at which nobody serves, but a cloud's metadata may be.
var ErrForbidden = errors.New("the host is link-local, multicast or unspecified")

// Parse reads DISCOVERY_ALLOWED_HOSTS: names, addresses, CIDRs, or ".domain" for all under it.
func Parse(hosts []string) (List, error) {
	var l List
	for _, host := range hosts {
		host = strings.ToLower(strings.TrimSpace(host))
		if network, err := netip.ParsePrefix(host); err == nil {
			l.networks = append(l.networks, network)
			continue
		}
		if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			l.networks = append(l.networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		if host == "" || strings.ContainsAny(host, "/:@ *") {
			return List{}, errors.New("DISCOVERY_ALLOWED_HOSTS: must be names, addresses, CIDRs or .domains, separated by commas")
		}
		l.names = append(l.names, host)
	}
	return l, nil
}

// Allows returns why the host of a URL is refused, without repeating it.
func (l List) Allows(host string) error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	ip, err := netip.ParseAddr(host)
	numeric := err == nil
	if numeric {
		if err := callable(ip); err != nil {
			return err
		}
	}
	ip = ip.Unmap()
	if !numeric && looksNumeric(host) {
		return errors.New("the host is an address in an unusual form")
	}
	if len(l.names)+len(l.networks) == 0 {
		return nil
	}
	if numeric && slices.ContainsFunc(l.networks, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return nil
	}
	if !numeric && slices.ContainsFunc(l.names, func(name string) bool { return matches(name, host) }) {
		return nil
	}
	return errors.New("the host is not among DISCOVERY_ALLOWED_HOSTS")
}

// Control is for net.Dialer.Control: it refuses addresses that no List could see, as a name leads to them: link-local,
// multicast and unspecified ones.
func Control(_, address string, _ syscall.RawConn) error {
	found, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("the address to dial is not one")
	}
	return callable(found.Addr())
}

func callable(ip netip.Addr) error {
	ip = ip.Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return ErrForbidden
	}
	return nil
}

func matches(name, host string) bool {
	if strings.HasPrefix(name, ".") {
		return strings.HasSuffix(host, name)
	}
	return host == name
}

// looksNumeric finds forms such as 2852039166 or 0xa9fea9fe, which some resolvers take for addresses: no name ends in a
// number (WHATWG URL, "ends in a number").
func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && (strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"))
}
