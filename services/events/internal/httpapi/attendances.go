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
func (a *API) ListAttendances(c echo.Context, id gen.PathId, _ gen.ListAttendancesParams) error {
	window, err := httpserver.Window(c, a.pageSize.Get())
	if err != nil {
		return err
	}
	attendances, err := a.events.Attendances(c.Request().Context(), httpserver.Caller(c), id, window)
	if err != nil {
		return err
	}
	return httpserver.List(c, window, page.Map(attendances, attendanceBody))
}

// GetAttendance serves GET /events/{id}/attendances/{user}.
func (a *API) GetAttendance(c echo.Context, id gen.PathId, user uuid.UUID, _ gen.GetAttendanceParams) error {
	ctx, caller := c.Request().Context(), httpserver.Caller(c)
	return httpserver.Read(c,
		func() (int64, error) { return a.events.AttendanceVersion(ctx, caller, id, user) },
		func() (int64, any, error) {
			attendance, err := a.events.Attendance(ctx, caller, id, user)
			return attendance.Version, attendanceBody(attendance), err
		})
}

// PutAttendance serves PUT /events/{id}/attendances/{user}.
func (a *API) PutAttendance(c echo.Context, id gen.PathId, user uuid.UUID, _ gen.PutAttendanceParams) error {
	var in gen.NewAttendance
	if err := httpserver.Decode(c, &in); err != nil {
		return err
	}
	attendance, isNew, err := a.events.Attend(c.Request().Context(), httpserver.Caller(c), id, user, event.Status(in.Status), httpserver.Condition(c))
	switch {
	case err != nil:
		return err
	case isNew:
		return httpserver.Created(c, fmt.Sprintf("/events/%d/attendances/%s", id, user), attendance.Version, attendanceBody(attendance))
	}
	return httpserver.Wrote(c, attendance.Version, attendanceBody(attendance))
}

// DeleteAttendance serves DELETE /events/{id}/attendances/{user}.
func (a *API) DeleteAttendance(c echo.Context, id gen.PathId, user uuid.UUID, _ gen.DeleteAttendanceParams) error {
	if err := a.events.Unattend(c.Request().Context(), httpserver.Caller(c), id, user, httpserver.Condition(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// ListSuggestions serves GET /events/{id}/suggestions.
func (a *API) ListSuggestions(c echo.Context, id gen.PathId, params gen.ListSuggestionsParams) error {
	limit := a.pageSize.Get()
	if params.Limit != nil {
		limit = min(*params.Limit, page.Max)
	}
	suggestions, err := a.events.Suggest(c.Request().Context(), httpserver.Caller(c), id, limit)
	if err != nil {
		return err
	}
	out := gen.Suggestions{Results: make([]gen.Suggestion, len(suggestions))}
	for i, s := range suggestions {
		out.Results[i] = gen.Suggestion{Pizza: pizzaBody(s.Pizza), Likes: s.Likes}
	}
	return httpserver.Content(c, out)
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
