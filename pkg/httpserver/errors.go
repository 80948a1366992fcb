package httpserver

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/problem"
)

// answerError is where every error of a handler or of echo becomes an answer.
func (s *Server) answerError(err error, c echo.Context) {
	w, r := c.Response(), c.Request()
	if w.Committed {
		s.options.Log.WarnContext(r.Context(), "error after the answer had begun", "error", err, "route", c.Path())
		return
	}
	if errors.Is(err, context.Canceled) && errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(statusClientGone)
		return
	}
	err = inTime(r.Context(), classify(err))
	if f := fault.From(err); problem.Status(f.Kind) > http.StatusInternalServerError {
		factsOf(r.Context()).err = err // the cause is for the access log; Write logs 500s
	}
	problem.Write(w, r, err)
}

func stopping(context.Context) error { return errors.New("shutting down") }

// classify makes echo's errors ours. Their messages quote Go types and values,
// so none is passed on.
func classify(err error) error {
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return readFault(err)
	}
	he, ok := errors.AsType[*echo.HTTPError](err)
	if !ok {
		return err
	}
	switch he.Code {
	case http.StatusBadRequest:
		return &fault.Error{Kind: fault.KindInvalid, Detail: "The request is not valid.", Cause: err}
	case http.StatusUnauthorized:
		return &fault.Error{Kind: fault.Unauthenticated, Detail: "Missing authentication header", Cause: err}
	case http.StatusForbidden:
		return &fault.Error{Kind: fault.Forbidden, Detail: "This is not allowed.", Cause: err}
	case http.StatusNotFound:
		return fault.NotFound()
	case http.StatusMethodNotAllowed:
		return fault.New(fault.NotAllowed, "This method is not allowed here.")
	case http.StatusRequestEntityTooLarge:
		return tooLarge(err)
	case http.StatusUnsupportedMediaType:
		return fault.New(fault.Unsupported, "This media type is not read here.")
	}
	return err
}

// readFault is what a body that could not be read means.
func readFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(err)
	}
	return &fault.Error{Kind: fault.KindInvalid, Detail: "The body could not be read.", Cause: err}
}

func tooLarge(cause error) error {
	return &fault.Error{Kind: fault.TooLarge, Detail: "The body is larger than 1 MiB.", Cause: cause}
}
