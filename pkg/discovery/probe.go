package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of a probe.
const (
	probeTime   = time.Second
	probeAnswer = 4 << 10 // bytes
	probeLane   = 32      // at once
)

// prober finds out whether a service answers at an address, before any caller's
// token goes there.
type prober struct {
	policy  policy
	client  *http.Client
	seconds prometheus.Histogram
	// An operator's edit never waits behind instances that do not answer.
	edits, instances lane
}

// lane bounds how many probes run at once.
type lane chan struct{}

// newProbeClient sends nothing but the question, to nowhere else.
func newProbeClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			// No proxy: the answer must be the address's own.
			DialContext:            (&net.Dialer{Control: Control}).DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Reasons, in the status key: none repeats anything of the value or of the answer.
var (
	errNotEndpoint = errors.New("it is not an endpoint's JSON")
	errNoAddress   = errors.New("it has no address in it")
	errTooSlow     = errors.New("it did not answer in time")
	errUnreachable = errors.New("it cannot be reached")
	errNoSuchName  = errors.New("its name is not known")
	errRedirect    = errors.New("it redirects")
	errNotAlive    = errors.New("its /livez does not answer 200")
	errNotLivez    = errors.New("its /livez answers something else")
	errOther       = errors.New("it answers as another service")
)

// probe returns the address when the policy accepts it and that service answers there.
func (p *prober) probe(ctx context.Context, g group, address string) (*url.URL, error) {
	if err := readable(address); err != nil {
		return nil, Final(err)
	}
	u, err := p.policy.check(address)
	if err != nil {
		return nil, Final(err)
	}
	lane := p.edits
	if g.kind == kindInstance {
		lane = p.instances
	}
	select {
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	began := time.Now()
	err = p.ask(ctx, u, g.service)
	p.seconds.Observe(time.Since(began).Seconds())
	return u, err
}

func (p *prober) ask(ctx context.Context, u *url.URL, service string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("livez").String(), nil)
	if err != nil {
		return errUnreachable
	}
	request.Header.Set("Accept", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return classOf(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return errRedirect
	case response.StatusCode != http.StatusOK:
		return errNotAlive
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, probeAnswer+1))
	if err != nil {
		return classOf(ctx, err)
	}
	var found struct {
		Service string `json:"service"`
	}
	switch {
	case len(body) > probeAnswer || json.Unmarshal(body, &found) != nil || found.Service == "":
		return errNotLivez
	case found.Service != service:
		return errOther
	}
	return nil
}

// classOf says why nothing came back, without what the library says of the address.
func classOf(ctx context.Context, err error) error {
	var name *net.DNSError
	switch {
	case errors.Is(err, errNotCallable):
		return errNotCallable
	case ctx.Err() != nil:
		return errTooSlow
	case errors.As(err, &name):
		return errNoSuchName
	}
	return errUnreachable
}
