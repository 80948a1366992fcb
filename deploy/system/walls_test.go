package system

import (
	"database/sql"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoRoleConnectsToTheDatabaseOfAnother(t *testing.T) {
	for _, role := range services {
		for _, owner := range services {
			address, err := url.Parse(setting[strings.ToUpper(role)+"_DATABASE_URL"])
			require.NoError(t, err)
			address.Path = "/" + owner
			db, err := sql.Open("pgx", address.String())
			require.NoError(t, err)
			err = db.PingContext(t.Context())
			if role == owner {
				assert.NoError(t, err, "%s connects to its own", role)
			} else {
				assert.ErrorContains(t, err, "permission denied", "%s connects to %s", role, owner)
			}
			require.NoError(t, db.Close())
		}
	}
}

func TestBadSettingsAreAllNamedAndNoSecretIsPrinted(t *testing.T) {
	const secret = "hunter2-do-not-print"
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			serve := exec.CommandContext(t.Context(), filepath.Join(running.Dir(), "bin", service), "serve")
			serve.Env = []string{
				"HTTP_ADDR=nowhere", "PAGE_SIZE=many", "LOG_LEVEL=loud", "SESSION_KEYS=" + secret, "CLIENT_TOKENS=" + secret,
				"DATABASE_URL=postgres://u:" + secret + "@h:port/db", "RABBITMQ_URL=http://u:" + secret + "@h/",
				"APP_ENV=a/b", "ADVERTISE_URL=nowhere", "MESSAGE_FORMAT=xml",
			}
			out, err := serve.CombinedOutput()
			require.Error(t, err, "it must not start")
			for _, name := range []string{"HTTP_ADDR", "PAGE_SIZE", "LOG_LEVEL", "SESSION_KEYS", "CLIENT_TOKENS", "DATABASE_URL", "RABBITMQ_URL", "APP_ENV", "ADVERTISE_URL", "MESSAGE_FORMAT"} {
				assert.Contains(t, string(out), name)
			}
			assert.NotContains(t, string(out), secret)

			production := exec.CommandContext(t.Context(), serve.Path, "serve")
			production.Env = []string{"APP_ENV=production"}
			out, err = production.CombinedOutput()
			require.Error(t, err, "production refuses the development secrets")
			for _, name := range []string{"SESSION_KEYS", "CLIENT_TOKENS", "DATABASE_URL", "RABBITMQ_PASSWORD", "TOMBSTONE_KEY"} {
				assert.Contains(t, string(out), name)
			}
			assert.NotContains(t, string(out), "-development")
		})
	}
}
