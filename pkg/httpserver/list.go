package httpserver

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/page"
)

// List answers with one page of a list, its neighbours in the Link header too.
func List[T any](c echo.Context, list page.List[T]) error {
	if links := list.Link(); links != "" {
		c.Response().Header().Set("Link", links)
	}
	return c.JSON(http.StatusOK, list)
}
