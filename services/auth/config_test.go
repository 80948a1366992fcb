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
