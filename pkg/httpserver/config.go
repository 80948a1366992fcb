package httpserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/setting"
)

// Config is what operators set.
type Config struct {
	// Addr is what to listen on, host:port.
	Addr string `env:"HTTP_ADDR" override:"never"`
	// PageSize is how many entries a page has if the request does not say.
	PageSize setting.Live[int] `env:"PAGE_SIZE" envDefault:"5"`
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For and
	// X-Forwarded-Proto count. None: the peer is the caller.
	TrustedProxies []string `env:"TRUSTED_PROXIES" override:"never"`
	// Drain is how long to keep serving after saying "not ready": more than callers
	// take to learn that this instance is gone, which is less than a second.
	Drain time.Duration `env:"SHUTDOWN_DRAIN" envDefault:"2s"`
}

// Validate names every setting that is wrong.
func (c Config) Validate() error {
	var errs []error
	if _, port, err := net.SplitHostPort(c.Addr); err != nil || !isPort(port) {
		errs = append(errs, fmt.Errorf("HTTP_ADDR: %q is not host:port", c.Addr))
	}
	if size := c.PageSize.Get(); size < 1 || size > page.Max {
		errs = append(errs, fmt.Errorf("PAGE_SIZE: must be between 1 and %d", page.Max))
	}
	for _, cidr := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			errs = append(errs, fmt.Errorf("TRUSTED_PROXIES: %q is not a network such as 10.0.0.0/8", cidr))
		}
	}
	if c.Drain < 0 || c.Drain > 30*time.Second {
		errs = append(errs, fmt.Errorf("SHUTDOWN_DRAIN: %s is not between 0s and 30s", c.Drain))
	}
	return errors.Join(errs...)
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// ipExtractor never believes a header from a peer outside TrustedProxies; echo
// on its own believes everybody.
func (c Config) ipExtractor() echo.IPExtractor {
	if len(c.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, cidr := range c.TrustedProxies {
		if _, network, err := net.ParseCIDR(cidr); err == nil { // Validate has seen them
			trust = append(trust, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// trusts reports whether the peer is one of the proxies.
func (c Config) trusts(remoteAddr string) bool {
	peer, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return false
	}
	for _, cidr := range c.TrustedProxies {
		if network, err := netip.ParsePrefix(cidr); err == nil && network.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}
