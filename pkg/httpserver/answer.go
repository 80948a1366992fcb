package httpserver

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/representation"
)

// Read answers GET of one thing that has a version. version reads that alone,
// and is asked only if the caller has something to compare it with.
func Read(c echo.Context, version func() (int64, error), read func() (int64, any, error)) error {
	e := exchangeOf(c)
	if e.ifNoneMatch.given {
		now, err := version()
		if err != nil {
			return err
		}
		if tag := e.tag(strconv.FormatInt(now, 10)); e.ifNoneMatch.holds(tag) {
			return unchanged(c, tag)
		}
	}
	now, v, err := read()
	if err != nil {
		return err
	}
	return e.send(c, http.StatusOK, e.tag(strconv.FormatInt(now, 10)), v)
}

// Wrote answers a change with what is there now.
func Wrote(c echo.Context, version int64, v any) error {
	e := exchangeOf(c)
	// The body is the resource's representation, so the tag is about it (RFC 9110 §8.7).
	c.Response().Header().Set("Content-Location", c.Request().URL.EscapedPath())
	return e.send(c, http.StatusOK, e.tag(strconv.FormatInt(version, 10)), v)
}

// Created answers with what is new at that path under Base.
func Created(c echo.Context, path string, version int64, v any) error {
	e := exchangeOf(c)
	header := c.Response().Header()
	header.Set("Location", Base+path)
	header.Set("Content-Location", Base+path)
	return e.send(c, http.StatusCreated, e.tag(strconv.FormatInt(version, 10)), v)
}

// Accepted answers with v, which tells how far the thing at that path under Base is.
func Accepted(c echo.Context, path string, v any) error {
	header := c.Response().Header()
	header.Set("Location", Base+path)
	header.Set("Content-Location", Base+path)
	return content(c, http.StatusAccepted, v)
}

// Content answers GET of what has no version of its own: its tag is a hash.
func Content(c echo.Context, v any) error { return content(c, http.StatusOK, v) }

func content(c echo.Context, status int, v any) error {
	e := exchangeOf(c)
	data, err := e.codec.Write(e.choice.Format, v)
	if err != nil {
		return err
	}
	return e.sendBytes(c, status, e.choice.Format.MediaType(), data)
}

// sendBytes answers with data, or that it is what the caller has.
func (e *exchange) sendBytes(c echo.Context, status int, mediaType string, data []byte) error {
	tag := e.tag(markContent + hash(data))
	if status == http.StatusOK && e.ifNoneMatch.holds(tag) {
		return unchanged(c, tag)
	}
	c.Response().Header().Set("ETag", tag)
	e.choice.Send(c.Response(), status, mediaType, data)
	return nil
}

// Window is which part of a list the request asks for.
func Window(c echo.Context, pageSize int) (page.Window, error) {
	window, err := page.Parse(c.Request(), pageSize)
	window.Known = exchangeOf(c).fingerprints(linked(c, window))
	return window, err
}

// linked is a mark for what a page's links are made of, which its rows do not tell.
func linked(c echo.Context, window page.Window) string {
	r := c.Request()
	return hash([]byte(strings.Join([]string{r.URL.Scheme, r.Host, r.URL.RequestURI(), strconv.Itoa(window.Limit)}, " ")))[:6]
}

// List answers with one page of a list, its neighbours in the Link header too.
// Without a fingerprint the tag is a hash.
func List[T any](c echo.Context, window page.Window, result page.Result[T]) error {
	e := exchangeOf(c)
	tag := e.tag(markList + result.Fingerprint + linked(c, window))
	if result.Unchanged || result.Fingerprint != "" && e.ifNoneMatch.star {
		return unchanged(c, tag)
	}
	list := page.New(c.Request(), window, result)
	if links := list.Link(); links != "" {
		c.Response().Header().Set("Link", links)
	}
	if result.Fingerprint == "" {
		return Content(c, list)
	}
	return e.send(c, http.StatusOK, tag, list)
}

func (e *exchange) send(c echo.Context, status int, tag string, v any) error {
	data, err := e.codec.Write(e.choice.Format, v)
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", tag)
	e.choice.Send(c.Response(), status, e.choice.Format.MediaType(), data)
	return nil
}

// unchanged is 304 with what the 200 would say of the representation.
func unchanged(c echo.Context, tag string) error {
	header := c.Response().Header()
	header.Set("ETag", tag)
	header.Set("Vary", representation.Vary)
	return c.NoContent(http.StatusNotModified)
}
