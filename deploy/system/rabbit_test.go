package system

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	if in == nil {
		body = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, setting["RABBITMQ_MANAGEMENT_URL"]+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.SetBasicAuth(name, password)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if out != nil && response.StatusCode/100 == 2 {
		require.NoError(t, json.Unmarshal(answer, out), "%s", answer)
	}
	return response.StatusCode
}
