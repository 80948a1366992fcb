package system

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// rabbit asks RabbitMQ's management API as the administrator, also while a test cleans up; in and out are JSON, or nil.
func rabbit(t *testing.T, method, path string, in, out any) {
	t.Helper()
	status := rabbitAs(t, setting["RABBITMQ_USERNAME"], setting["RABBITMQ_PASSWORD"], method, path, in, out)
	require.Equal(t, 2, status/100, "%s %s: %d", method, path, status)
}

// rabbitAs asks as some user and returns the answer's status.
func rabbitAs(t *testing.T, name, password, method, path string, in, out any) int {
	t.Helper()
	return askRabbit(context.Background(), t, theBroker().management+path, method, name, password, in, out)
}
