package likes_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

const (
	someJSON    = "application/json"
	problemJSON = "application/problem+json"
	mostRead    = 1 << 20
	page        = `{"count":1,"next":null,"previous":null,"results":[{"id":1,"user":"PERSON","pizza":7,"created_at":"2026-01-01T00:00:00Z"}]}`
)

// says answers the same to everybody; headers are name, value, name, value.
func says(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// reads answers with a page, in which PERSON is who is asked about.
func reads(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		says(http.StatusOK, someJSON, strings.ReplaceAll(page, "PERSON", r.FormValue("user")))(w, r)
	}
}

// silent answers when nobody waits any more.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// stuck begins to answer and goes silent.
func stuck(w http.ResponseWriter, r *http.Request) {
	says(http.StatusOK, someJSON, `{"id":`)(w, r)
	_ = http.NewResponseController(w).Flush()
	silent(w, r)
}

// cut ends in the middle of an answer.
func cut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	says(http.StatusOK, someJSON, `{"id":`)(w, r)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// endless answers until nobody listens any more, in few bytes on the way.
func endless(w http.ResponseWriter, r *http.Request) {
	var megabyte bytes.Buffer
	packed := gzip.NewWriter(&megabyte)
	_, _ = packed.Write(make([]byte, 1<<20))
	_ = packed.Close()
	w.Header().Set("Content-Encoding", "gzip")
	says(http.StatusOK, someJSON, "")(w, r)
	for r.Context().Err() == nil {
		if _, err := w.Write(megabyte.Bytes()); err != nil {
			return
		}
	}
}
