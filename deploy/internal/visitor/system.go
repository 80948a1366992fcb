// Package visitor is how people and operators meet a running tizza: over HTTP, at the addresses of .local/env. The
// demo, the system's tests and the drills speak to it through this package alone.
package visitor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// base is the path under which every service has its API.
const base = "/api/v1"

// System is a running tizza.
type System struct {
	auth, pizza, likes, events string
	operator                   string
	http                       *http.Client
}

// Open makes a System of the variables of .local/env, which get returns by name.
func Open(get func(string) string) (*System, error) {
	s := &System{http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	for name, to := range map[string]*string{
		"AUTH_URL": &s.auth, "PIZZA_URL": &s.pizza, "LIKES_URL": &s.likes, "EVENTS_URL": &s.events, "OPERATOR_TOKEN": &s.operator,
	} {
		if *to = get(name); *to == "" {
			return nil, fmt.Errorf("%s is not set: is the system up (make up), and .local/env read?", name)
		}
	}
	return s, nil
}

// Close lets go of idle connections.
func (s *System) Close() { s.http.CloseIdleConnections() }

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Want turns an answer of any other status into an error, and otherwise decodes the body into out, unless out is nil.
func (a Answer) Want(status int, out any) error {
	if a.Status != status {
		return fmt.Errorf("answer is %d, not %d: %s", a.Status, status, a.Body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// Caller may be a person, the operator, or nobody.
type Caller interface{ sign(*http.Request) }

// Anyone is a caller that says nothing of itself.
type Anyone struct{}

func (Anyone) sign(*http.Request) {}

type operator string

func (o operator) sign(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(o)))
}

// Operator is the caller with the operator's token, which may do everything.
func (s *System) Operator() Caller { return operator(s.operator) }

// Call sends a request with body as JSON, unless that is nil, and reads the answer.
func (s *System) Call(ctx context.Context, as Caller, method, url string, body any) (Answer, error) {
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("encode body: %w", err)
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, payload)
	if err != nil {
		return Answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	as.sign(request)
	response, err := s.http.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer to %s %s: %w", method, url, err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: data}, nil
}

// do calls and wants one status; its error names the call.
func (s *System) do(ctx context.Context, as Caller, method, url string, body any, status int, out any) (Answer, error) {
	answer, err := s.Call(ctx, as, method, url, body)
	if err == nil {
		err = answer.Want(status, out)
	}
	if err != nil {
		return answer, fmt.Errorf("%s %s: %w", method, url, err)
	}
	return answer, nil
}

// Auth returns the URL of one of auth's paths below the API's base.
func (s *System) Auth(path string) string { return s.auth + base + path }

// Pizza returns the URL of one of pizza's paths below the API's base.
func (s *System) Pizza(path string) string { return s.pizza + base + path }

// Likes returns the URL of one of likes' paths below the API's base.
func (s *System) Likes(path string) string { return s.likes + base + path }

// Events returns the URL of one of events' paths below the API's base.
func (s *System) Events(path string) string { return s.events + base + path }
