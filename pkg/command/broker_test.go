package command

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
)

func TestCommandsSpeakToTheBrokerThatTheServicesUse(t *testing.T) {
	p := newPost(t)
	etcd := atEtcd(t)
	p.put("no such pizza")
	here, elsewhere := p.broker.URL, "amqp://127.0.0.1:1/"

	t.Run("which is that of the key", func(t *testing.T) {
		p.broker.URL = elsewhere
		etcd.put("rabbitmq/url", here)
		code, stdout, stderr := run(t, p.program(), "dead-letters", "list")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "no such pizza")
		assert.Equal(t, "using the broker that rabbitmq/url in etcd names: "+here+"\n", stderr)
	})
	t.Run("about which nothing is said if it is the environment's", func(t *testing.T) {
		p.broker.URL = here
		_, stdout, stderr := run(t, p.program(), "dead-letters", "list")
		assert.Contains(t, stdout, "no such pizza")
		assert.Empty(t, stderr)
	})
	t.Run("unless that is of no use", func(t *testing.T) {
		for _, value := range []string{"hunter2", "http://hunter2", "amqp://ann:hunter2@127.0.0.1:1/"} {
			etcd.put("rabbitmq/url", value)
			code, stdout, stderr := run(t, p.program(), "dead-letters", "list")
			require.Zero(t, code, stderr)
			assert.Contains(t, stdout, "no such pizza")
			assert.Equal(t, "rabbitmq/url in etcd is not usable: using the broker of RABBITMQ_URL\n", stderr)
		}
	})
	t.Run("or there is none", func(t *testing.T) {
		etcd.remove("rabbitmq/url")
		_, stdout, stderr := run(t, p.program(), "dead-letters", "list")
		assert.Contains(t, stdout, "no such pizza")
		assert.Empty(t, stderr)
	})
	t.Run("or etcd does not answer", func(t *testing.T) {
		t.Setenv("ETCD_ENDPOINTS", "http://127.0.0.1:1")
		code, stdout, stderr := run(t, p.program(), "dead-letters", "list")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "no such pizza")
		assert.Contains(t, stderr, "etcd does not answer")
	})
	t.Run("or etcd does not answer and another one is remembered", func(t *testing.T) {
		p.broker.URL = elsewhere
		t.Setenv("STATE_DIR", t.TempDir())
		etcd.put("rabbitmq/url", here)
		remember(t, "rabbitmq/url")
		t.Setenv("ETCD_ENDPOINTS", "http://127.0.0.1:1")
		code, stdout, stderr := run(t, p.program(), "dead-letters", "list")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "no such pizza")
		assert.Contains(t, stderr, "as is remembered")
	})
}

// remember follows a key until it is in use, as the service would.
func remember(t *testing.T, key string) {
	t.Helper()
	loaded, err := load(program(), io.Discard)
	require.NoError(t, err)
	cfg := loaded.Config().Program
	registry, err := discovery.Connect(cfg.Discovery, "letters", cfg.Prefix, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	used := make(chan struct{})
	registry.Handle(key, func(context.Context, string, string, int64) error {
		close(used)
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- registry.Run(ctx) }()
	<-used
	cancel()
	require.NoError(t, <-ended)
}
