package httpapi

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/events/internal/event"
	"github.com/tizza/tizza/services/events/internal/httpapi/gen"
)

// ListAttendances serves GET /events/{id}/attendances.
func (a *API) ListAttendances(c echo.Context, id gen.Id, _ gen.ListAttendancesParams) error {
	p, err := page.Parse(c.Request(), a.pageSize)
	if err != nil {
		return err
	}
	attendances, count, err := a.events.Attendances(c.Request().Context(), httpserver.Caller(c), id, p.Limit, p.Offset)
	if err != nil {
		return err
	}
	results := make([]gen.Attendance, len(attendances))
	for i, attendance := range attendances {
		results[i] = attendanceBody(attendance)
	}
	return httpserver.List(c, page.New(c.Request(), p, count, results))
}

// GetAttendance serves GET /events/{id}/attendances/{user}.
func (a *API) GetAttendance(c echo.Context, id gen.Id, user uuid.UUID) error {
	attendance, err := a.events.Attendance(c.Request().Context(), httpserver.Caller(c), id, user)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, attendanceBody(attendance))
}

// PutAttendance serves PUT /events/{id}/attendances/{user}.
func (a *API) PutAttendance(c echo.Context, id gen.Id, user uuid.UUID) error {
	var in gen.NewAttendance
	if err := httpserver.Decode(c, &in); err != nil {
		return err
	}
	attendance, isNew, err := a.events.Attend(c.Request().Context(), httpserver.Caller(c), id, user, event.Status(in.Status))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if isNew {
		c.Response().Header().Set(echo.HeaderLocation, fmt.Sprintf("%s/events/%d/attendances/%s", httpserver.Base, id, user))
		status = http.StatusCreated
	}
	return c.JSON(status, attendanceBody(attendance))
}

// DeleteAttendance serves DELETE /events/{id}/attendances/{user}.
func (a *API) DeleteAttendance(c echo.Context, id gen.Id, user uuid.UUID) error {
	if err := a.events.Unattend(c.Request().Context(), httpserver.Caller(c), id, user); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// ListSuggestions serves GET /events/{id}/suggestions.
func (a *API) ListSuggestions(c echo.Context, id gen.Id, _ gen.ListSuggestionsParams) error {
	p, err := page.Parse(c.Request(), a.pageSize)
	if err != nil {
		return err
	}
	suggestions, err := a.events.Suggest(c.Request().Context(), httpserver.Caller(c), id, p.Limit)
	if err != nil {
		return err
	}
	out := gen.Suggestions{Results: make([]gen.Suggestion, len(suggestions))}
	for i, s := range suggestions {
		out.Results[i] = gen.Suggestion{Pizza: pizzaBody(s.Pizza), Likes: s.Likes}
	}
	return c.JSON(http.StatusOK, out)
}

func attendanceBody(a event.Attendance) gen.Attendance {
	return gen.Attendance{
		Event: a.Event, User: a.User, Status: gen.Status(a.Status), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func pizzaBody(p event.Pizza) gen.Pizza {
	return gen.Pizza{
		Id: p.ID, Title: p.Title, Description: p.Description, ImageUrl: p.ImageURL,
		Creator: orNull(p.Creator), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}
