package discovery_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []discovery.Config{
		{}, {Endpoints: []string{"http://user:hunter2@host"}}, {Endpoints: []string{"http://ok", "%zz"}},
		{Endpoints: []string{"http://ok"}, AllowedHosts: []string{"http://x"}},
	} {
		err := cfg.Validate()
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	require.NoError(t, discovery.Config{Endpoints: []string{"http://ok:2379", "127.0.0.1:2379"}, AllowedHosts: []string{"a", ".b", "10.0.0.0/8", "::1"}}.Validate())
}
