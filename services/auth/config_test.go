package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

func TestTheEnvironmentOverridesTheDefaults(t *testing.T) {
	cfg := defaults()
	require.NoError(t, setting.Load(&cfg))
	assert.True(t, cfg.PublishUserDeletedV1)
	assert.Equal(t, 24*time.Hour, cfg.SessionTTL)
	t.Setenv("PUBLISH_USER_DELETED_V1", "false")
	t.Setenv("SESSION_TTL", "10m")
	cfg = defaults()
	require.NoError(t, setting.Load(&cfg))
	assert.False(t, cfg.PublishUserDeletedV1)
	assert.Equal(t, 10*time.Minute, cfg.SessionTTL)
}

func TestEveryBadSettingIsNamedAndNoSecretIs(t *testing.T) {
	t.Setenv("APP_ENV", "production")
	t.Setenv("SESSION_TTL", "0s")
	t.Setenv("PASSWORD_CONCURRENCY", "-1")
	cfg := defaults()
	err := setting.Load(&cfg)
	require.Error(t, err)
	for _, name := range []string{
		"SESSION_TTL", "PASSWORD_CONCURRENCY", "TOMBSTONE_KEY", "CLIENT_TOKENS", "SESSION_KEYS", "DATABASE_URL", "RABBITMQ_PASSWORD",
	} {
		assert.ErrorContains(t, err, name)
	}
	assert.NotContains(t, err.Error(), "auth-development")
	assert.NotContains(t, err.Error(), "tombstones-development")
}

// Whoever may write to etcd must not lead this process, or its tokens, past the checks of discovery.
func TestWhatEtcdMaySet(t *testing.T) {
	settings, err := setting.Open(defaults())
	require.NoError(t, err)
	for _, name := range []string{
		"APP_ENV", "HTTP_ADDR", "ADVERTISE_URL", "TRUSTED_PROXIES", "STATE_DIR", "ETCD_ENDPOINTS", "ETCD_USERNAME", "ETCD_PASSWORD",
		"DISCOVERY_ALLOWED_HOSTS", "RABBITMQ_URL", "RABBITMQ_USERNAME", "RABBITMQ_PASSWORD", "DATABASE_URL", "CLIENT_TOKENS", "SESSION_KEYS", "TOMBSTONE_KEY",
	} {
		assert.ErrorContains(t, settings.Override(name, "x"), name+": is ", name)
	}
	for name, value := range map[string]string{
		"PAGE_SIZE": "7",
	} {
		assert.NoError(t, settings.Override(name, value), name)
	}
	assert.Equal(t, 7, settings.Config().HTTP.PageSize.Get())
	assert.ErrorIs(t, settings.Override("DATABASE_MAX_CONNS", "3"), setting.ErrAtNextStart)
}
