package setting_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := setting.Secret("hunter2")
	config := struct{ Password setting.Secret }{secret}

	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "secret", secret, "config", config)
	encoded, err := json.Marshal(config)
	require.NoError(t, err)

	for name, printed := range map[string]string{
		"%v": fmt.Sprintf("%v", config), "%+v": fmt.Sprintf("%+v", config), "%#v": fmt.Sprintf("%#v", config),
		"%s": fmt.Sprintf("a %s", secret), "%q": fmt.Sprintf("%q", secret), "log": log.String(), "json": string(encoded),
	} {
		assert.NotContains(t, printed, "hunter2", name)
		assert.Contains(t, printed, "[redacted]", name)
	}
	assert.Equal(t, "hunter2", secret.Reveal())
}
