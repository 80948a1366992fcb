package setting

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// CheckURL returns an error naming the setting unless value is where a service is: an absolute http or https URL without
// credentials, query or fragment.
func CheckURL(name, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u.Port()) {
		return errors.New(name + ": must be an absolute http or https URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New(name + ": must be a URL without credentials, query or fragment")
	}
	return nil
}

func validPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil
}

// CheckToken returns an error naming the setting unless value is client:password.
func CheckToken(name string, value Secret) error {
	client, password, ok := strings.Cut(value.Reveal(), ":")
	if !ok || client == "" || password == "" {
		return errors.New(name + ": must be client:password")
	}
	return nil
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckLabel returns an error naming the setting unless value is one word that may stand in a key: lower-case letters,
// digits and hyphens, at most 63 (RFC 1123).
func CheckLabel(name, value string) error {
	if !label.MatchString(value) {
		return errors.New(name + ": must be a word of lower-case letters, digits and hyphens")
	}
	return nil
}
