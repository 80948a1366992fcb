package httpclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
)

func TestFault(t *testing.T) {
	t.Parallel()
	answer := func(status int, pairs ...string) *http.Response {
		r := &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1}
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
		return r
	}
	var into struct{ A int }
	for name, tc := range map[string]struct {
		resp  *http.Response
		err   error
		kind  fault.Kind
		retry time.Duration
	}{
		"404 is not found":                      {answer(404), nil, fault.KindNotFound, 0},
		"410 is gone":                           {answer(410), nil, fault.Gone, 0},
		"500 is a bad gateway":                  {answer(500), nil, fault.BadGateway, 0},
		"502 is a bad gateway":                  {answer(502), nil, fault.BadGateway, 0},
		"503 is unavailable":                    {answer(503), nil, fault.KindUnavailable, time.Second},
		"503 passes on when to come back":       {answer(503, "Retry-After", "7"), nil, fault.KindUnavailable, 7 * time.Second},
		"nobody waits for longer than an hour":  {answer(503, "Retry-After", "999999"), nil, fault.KindUnavailable, time.Hour},
		"429 is unavailable for our callers":    {answer(429, "Retry-After", "2"), nil, fault.KindUnavailable, 2 * time.Second},
		"504 is a timeout":                      {answer(504), nil, fault.Timeout, 0},
		"401 is a bad gateway, not theirs":      {answer(401), nil, fault.BadGateway, 0},
		"a redirect elsewhere is a bad gateway": {answer(307), nil, fault.BadGateway, 0},
		"200 with a page is a bad gateway":      {answer(200, "Content-Type", "text/html"), nil, fault.BadGateway, 0},
		"JSON that breaks off":                  {nil, json.Unmarshal([]byte(`{"A":`), &into), fault.BadGateway, 0},
		"JSON of another shape":                 {nil, json.Unmarshal([]byte(`{"A":"x"}`), &into), fault.BadGateway, 0},
		"an answer that breaks off":             {nil, io.ErrUnexpectedEOF, fault.BadGateway, 0},
		"no answer at all":                      {nil, nil, fault.BadGateway, 0},
		"an answer that was cut off for size":   {nil, &url.Error{Err: httpclient.ErrTooLarge}, fault.BadGateway, 0},
		"a deadline that passed":                {nil, &url.Error{Err: context.DeadlineExceeded}, fault.Timeout, 0},
		"a circuit that is open":                {nil, &url.Error{Err: httpclient.ErrCircuitOpen}, fault.KindUnavailable, time.Second},
		"a limit that is reached":               {nil, &url.Error{Err: httpclient.ErrLimited}, fault.KindUnavailable, time.Second},
		"a service that nobody knows":           {nil, &url.Error{Err: httpclient.ErrNoAddress}, fault.KindUnavailable, time.Second},
		"anything else":                         {nil, &url.Error{Err: errors.New("a lost connection")}, fault.KindUnavailable, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fault.From(httpclient.Fault("pizza", tc.resp, tc.err))
			require.NotNil(t, f)
			assert.Equal(t, tc.kind, f.Kind, "%v", f)
			assert.Equal(t, tc.retry, f.RetryAfter)
		})
	}
	for name, resp := range map[string]*http.Response{
		"200 with JSON is none":            answer(200, "Content-Type", "application/json; charset=utf-8"),
		"201 with JSON is none":            answer(201, "Content-Type", "application/json"),
		"204 is none":                      answer(204),
		"200 that carries nothing is none": {StatusCode: 200, Header: http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, httpclient.Fault("pizza", resp, nil))
		})
	}
}
