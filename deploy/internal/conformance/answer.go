package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
)

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte // as it came
	Data   []byte // without its coding
	Tree   any    // what it says, whatever the format
	Length int64  // Content-Length, -1 for none
	trace  string
}

// Tag is the answer's ETag.
func (a Answer) Tag() string { return a.Header.Get("ETag") }

// Member is one of the answer's members.
func (a Answer) Member(name string) any {
	object, _ := a.Tree.(map[string]any)
	return object[name]
}

// Do sends the request, reads the answer, writes it down in the ledger and returns what is wrong with it. An error is
// about the connection: there is no answer.
func (r Request) Do(ctx context.Context) (Answer, []string, error) {
	a, err := r.send(ctx)
	for range 5 {
		if !lost(err) {
			break
		}
		a, err = r.send(ctx)
	}
	if err != nil {
		return a, nil, err
	}
	wrong := r.check(&a)
	if r.Method == "" || r.Method == r.Operation.Method || r.Method == http.MethodHead {
		r.Service.Ledger.note(r.Operation, a.Status)
	}
	for i := range wrong {
		wrong[i] = fmt.Sprintf("%s\n  answers %d: %s\n  %s", r, a.Status, wrong[i], brief(a.Data))
	}
	return a, wrong, nil
}

// lost says that the connection was closed while the request was still being sent. Who refuses a body that is too long does
// that, and its answer may be lost with the rest (RFC 9112 §9.6): it is worth asking again.
func lost(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) }

func (r Request) send(ctx context.Context) (Answer, error) {
	request, trace, err := r.build(ctx)
	if err != nil {
		return Answer{}, err
	}
	response, err := r.Service.http.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	a := Answer{Status: response.StatusCode, Header: response.Header, Length: response.ContentLength, trace: trace}
	a.Raw, err = io.ReadAll(response.Body)
	return a, err
}

func (r Request) build(ctx context.Context) (request *http.Request, trace string, err error) {
	body, err := r.body()
	if err != nil {
		return nil, "", err
	}
	address, err := url.Parse(r.Service.url)
	if err != nil {
		return nil, "", err
	}
	request, err = http.NewRequestWithContext(ctx, r.method(), r.Service.url, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	// As it is written, escapes that make no sense included.
	request.URL = &url.URL{Scheme: address.Scheme, Host: address.Host, Opaque: "//" + address.Host + r.target()}
	if body == nil {
		request.Body, request.GetBody, request.ContentLength = nil, nil, 0
	} else {
		request.Header.Set("Content-Type", string(r.Send))
	}
	if r.Zip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	if r.Accept != "" {
		request.Header.Set("Accept", string(r.Accept))
	}
	if r.Unzip {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	trace = hex.EncodeToString(id)
	request.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if r.As != nil {
		r.As(request.Header)
	}
	for name, values := range r.Header {
		request.Header[name] = values
		if len(values) == 0 {
			delete(request.Header, name)
		}
	}
	return request, trace, nil
}
