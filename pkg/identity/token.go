package identity

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/setting"
)

// What callers are told, word for word as the contract has it.
const (
	detailMissing = "Missing authentication header"
	detailHeader  = "Invalid authentication header"
	detailToken   = "Invalid authentication token"
	detailScope   = "This token does not allow that."
)

// client is one holder of service tokens.
type client struct {
	hashes [][sha256.Size]byte // of its passwords; two while one is rotated out
	scopes []string
}

type tokens map[string]client

// parseTokens reads CLIENT_TOKENS. Its errors name clients by position, never
// by what stands there: someone may have put a password where a name belongs.
func parseTokens(s setting.Secret) (tokens, error) {
	if s.Reveal() == "" {
		return nil, errors.New("CLIENT_TOKENS: is not set")
	}
	var raw map[string]json.RawMessage
	if err := decodeStrict([]byte(s.Reveal()), &raw); err != nil || raw == nil {
		return nil, errors.New("CLIENT_TOKENS: want a JSON object of client names")
	}
	all := make(tokens, len(raw))
	for i, name := range slices.Sorted(maps.Keys(raw)) {
		c, ok := parseClient(raw[name])
		if !ok || name == "" || strings.Contains(name, ":") {
			return nil, fmt.Errorf("CLIENT_TOKENS: client %d (in order of name): want a name without a colon and a password,"+
				` a list of passwords, or {"passwords": [...], "scopes": ["service:read", ...]}`, i+1)
		}
		all[name] = c
	}
	return all, nil
}

func parseClient(raw json.RawMessage) (client, bool) {
	var entry struct {
		Passwords []string `json:"passwords"`
		Scopes    []string `json:"scopes"`
	}
	var err error
	switch trimmed := bytes.TrimSpace(raw); trimmed[0] {
	case '"':
		entry.Passwords = make([]string, 1)
		err = json.Unmarshal(raw, &entry.Passwords[0])
	case '[':
		err = json.Unmarshal(raw, &entry.Passwords)
	default:
		err = decodeStrict(raw, &entry)
	}
	if err != nil || len(entry.Passwords) == 0 || slices.Contains(entry.Passwords, "") {
		return client{}, false
	}
	// "scopes": [] would read as "none" and mean "everything": refuse to guess.
	if entry.Scopes != nil && len(entry.Scopes) == 0 || slices.ContainsFunc(entry.Scopes, notScope) {
		return client{}, false
	}
	c := client{scopes: entry.Scopes}
	for _, password := range entry.Passwords {
		c.hashes = append(c.hashes, sha256.Sum256([]byte(password)))
	}
	return c, true
}

func notScope(scope string) bool {
	service, verb, _ := strings.Cut(scope, ":")
	return service == "" || verb != "read" && verb != "write"
}

// decodeStrict takes one JSON value and nothing behind it or beside it.
func decodeStrict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

// bearer is the caller behind an Authorization header, or the 401 of the
// contract: Invalid authentication header, Invalid authentication token.
func (t tokens) bearer(header string) (Caller, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	name, password, found := strings.Cut(string(decoded), ":")
	if !strings.EqualFold(scheme, "Bearer") || err != nil || !found || name == "" || password == "" {
		return Caller{}, fault.New(fault.Unauthenticated, detailHeader)
	}
	c, known := t[name]
	if !known { // the same path, so that time does not tell which clients exist
		c = stranger
	}
	if !c.has(password) || !known {
		return Caller{}, fault.New(fault.Unauthenticated, detailToken)
	}
	return Caller{Client: name, scopes: c.scopes}, nil
}

var stranger = client{hashes: [][sha256.Size]byte{{}}}

// has compares with every password, in a time that does not depend on which
// one fits or how much of it.
func (c client) has(password string) bool {
	given := sha256.Sum256([]byte(password))
	match := 0
	for _, hash := range c.hashes {
		match |= subtle.ConstantTimeCompare(given[:], hash[:])
	}
	return match == 1
}
