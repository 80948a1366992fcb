package console

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// addresses is where the browser that sent r finds the services.
//
// What services call each other may mean nothing outside: http://things:8002 is
// a name that only containers know. Our own address tells. If its host name is
// not the one by which the browser reached us, then the browser uses the names
// of another network, in which everything is published on that one host: each
// link gets the browser's host name and keeps its port. Otherwise the addresses
// are taken as they are. Our own is always the one that the browser used.
func (c *console) addresses(r *http.Request) map[string]string {
	var services map[string]*url.URL
	if c.options.Services != nil {
		services = maps.Clone(c.options.Services())
	}
	reached := reachedBy(r)
	own := services[c.options.Service]
	delete(services, c.options.Service)
	elsewhere := reached != nil && own != nil && !strings.EqualFold(own.Hostname(), reached.Hostname())

	found := map[string]string{}
	for name, address := range services {
		if address == nil || address.Scheme != "http" && address.Scheme != "https" {
			continue
		}
		link := url.URL{Scheme: address.Scheme, Host: address.Host, Path: strings.TrimSuffix(address.Path, "/")}
		if elsewhere {
			link.Host = joinHostPort(reached.Hostname(), address.Port())
		}
		found[name] = link.String()
	}
	if reached == nil {
		reached = own
	}
	if reached != nil {
		found[c.options.Service] = reached.String()
	}
	return found
}

// reachedBy is the origin that the browser used, nil if Host is none. Whoever
// knows of a proxy in front puts its scheme into r.URL.
func reachedBy(r *http.Request) *url.URL {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	reached, err := url.Parse(scheme + "://" + r.Host)
	if err != nil || reached.Hostname() == "" || reached.Host != r.Host {
		return nil
	}
	return reached
}

func joinHostPort(host, port string) string {
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
