package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

// Whoever may write to etcd must not lead this process, or its tokens, past the checks of discovery.
func TestWhatEtcdMaySet(t *testing.T) {
	settings, err := setting.Open(defaults())
	require.NoError(t, err)
	for _, name := range []string{
		"APP_ENV", "HTTP_ADDR", "ADVERTISE_URL", "TRUSTED_PROXIES", "STATE_DIR", "ETCD_ENDPOINTS", "ETCD_USERNAME", "ETCD_PASSWORD",
		"DISCOVERY_ALLOWED_HOSTS", "RABBITMQ_URL", "RABBITMQ_USERNAME", "RABBITMQ_PASSWORD", "DATABASE_URL", "CLIENT_TOKENS", "SESSION_KEYS", "TOMBSTONE_KEY",
		"SERVICE_TOKEN", "PIZZA_URL",
	} {
		assert.ErrorContains(t, settings.Override(name, "x"), name+": is ", name)
	}
	for name, value := range map[string]string{
		"PAGE_SIZE": "7", "CLIENT_TIMEOUT": "2s", "CLIENT_MAX_IN_FLIGHT": "100", "CLIENT_MAX_IN_FLIGHT_PER_HOST": "50", "CLIENT_FAN_OUT": "4", "CLIENT_RETRY_BUDGET": "0.1",
	} {
		assert.NoError(t, settings.Override(name, value), name)
	}
	assert.Equal(t, 7, settings.Config().HTTP.PageSize.Get())
	assert.ErrorIs(t, settings.Override("DATABASE_MAX_CONNS", "3"), setting.ErrAtNextStart)
}
