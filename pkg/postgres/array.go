package postgres

import "database/sql/driver"

// Array passes the values to a statement as one parameter, a PostgreSQL array: "id = ANY(?)". A plain slice becomes a
// list of parameters, so that the server sees another statement for each length.
func Array[T any](values []T) driver.Valuer {
	if values == nil {
		values = []T{} // an empty array, not NULL
	}
	return array[T](values)
}

type array[T any] []T

// Value hands the slice to the driver, which knows arrays.
func (a array[T]) Value() (driver.Value, error) { return []T(a), nil }
