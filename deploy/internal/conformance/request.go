package conformance

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Caller signs a request; nil is anyone.
type Caller func(http.Header)

// Request is one call of an operation.
type Request struct {
	*Operation
	Method string            // instead of the operation's
	Values map[string]string // of the path's parameters, as they are written there
	Slash  bool              // behind the path
	Query  string
	As     Caller
	Header http.Header // more of them; an empty list takes one away
	Body   any         // a tree; nil for none
	Raw    []byte      // instead of Body
	Send   Format      // of the body
	Zip    bool        // the body
	Accept Format      // of the answer
	Unzip  bool        // asks for gzip
	Schema string      // which one of several the answer has
}

// With is the request with one more header, or without it if there are no values.
func (r Request) With(name string, values ...string) Request {
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header[http.CanonicalHeaderKey(name)] = values
	return r
}

// By is the request by another caller.
func (r Request) By(caller Caller) Request {
	r.As = caller
	return r
}

// Saying is the request with a body.
func (r Request) Saying(body any) Request {
	r.Body = body
	return r
}

// Asking is the request with a query; its answer has the schema of that name, where the document has several.
func (r Request) Asking(query, schema string) Request {
	r.Query, r.Schema = query, schema
	return r
}

// Reading is the request for an answer in this format and coding.
func (r Request) Reading(f Format, unzip bool) Request {
	r.Accept, r.Unzip = f, unzip
	return r
}

func (r Request) method() string {
	if r.Method != "" {
		return r.Method
	}
	return r.Operation.Method
}

// target is the path and the query.
func (r Request) target() string {
	path := r.Service.base + r.Path
	for name, value := range r.Values {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if r.Slash {
		path += "/"
	}
	if r.Query != "" {
		path += "?" + r.Query
	}
	return path
}

func (r Request) body() ([]byte, error) {
	data := r.Raw
	if r.Body != nil {
		_, schema := r.BodySchema(r.Send)
		var err error
		if data, err = r.Service.Encode(r.Send, schema, r.Body); err != nil {
			return nil, err
		}
	}
	if r.Zip && data != nil {
		return Gzip(data), nil
	}
	return data, nil
}

// Gzip is the data in that coding.
func Gzip(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(data) // to memory: neither fails
	_ = w.Close()
	return out.Bytes()
}

// String is the request for people, in the manner of curl. Credentials are left to them.
func (r Request) String() string {
	line := []string{"curl -X", r.method(), "'" + r.Service.url + r.target() + "'"}
	headers := http.Header{"Accept": {string(r.Accept)}}
	if r.Send != "" {
		headers["Content-Type"] = []string{string(r.Send)}
	}
	if r.Zip {
		headers["Content-Encoding"] = []string{"gzip"}
	}
	if r.Unzip {
		headers["Accept-Encoding"] = []string{"gzip"}
	}
	maps.Copy(headers, r.Header)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			if value != "" && name != "Authorization" && name != "Cookie" {
				line = append(line, "-H "+strconv.Quote(name+": "+value))
			}
		}
	}
	if data, err := r.body(); err == nil && data != nil {
		line = append(line, "--data-binary "+brief(data))
	}
	return strings.Join(line, " ")
}

// brief is the beginning of what may be long.
func brief(data []byte) string {
	const most = 400
	if len(data) > most {
		return fmt.Sprintf("%q… (%d bytes)", data[:most], len(data))
	}
	return fmt.Sprintf("%q", data)
}
