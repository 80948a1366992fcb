package command

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/servertest"
)

// operator edits keys in etcd.
type operator struct {
	t      *testing.T
	client *clientv3.Client
	prefix string
}

// atEtcd points the environment to an etcd, the shared one unless endpoints say otherwise.
func atEtcd(t *testing.T, endpoints ...string) operator {
	t.Helper()
	shared, prefix := servertest.Etcd(t)
	if len(endpoints) == 0 {
		endpoints = shared
	}
	t.Setenv("ETCD_ENDPOINTS", strings.Join(endpoints, ","))
	t.Setenv("COMMAND_TEST_PREFIX", prefix)
	return operator{t: t, client: servertest.EtcdClient(t, endpoints), prefix: prefix + "/"}
}

func (o operator) put(key, value string) {
	o.t.Helper()
	_, err := o.client.Put(o.t.Context(), o.prefix+key, value)
	require.NoError(o.t, err)
}

func (o operator) remove(key string) {
	o.t.Helper()
	_, err := o.client.Delete(o.t.Context(), o.prefix+key)
	require.NoError(o.t, err)
}

type verdict struct {
	Revision int64
	Value    string
	State    string
	Reason   string
}

// status is what the running service says of a key.
func (o operator) status(key string) verdict {
	found, err := o.client.Get(o.t.Context(), o.prefix+"status/letters/", clientv3.WithPrefix())
	if err != nil || len(found.Kvs) == 0 {
		return verdict{}
	}
	var said struct{ Keys map[string]verdict }
	require.NoError(o.t, json.Unmarshal(found.Kvs[0].Value, &said))
	return said.Keys[key]
}

// output is a buffer that may be read while it is written to.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lines are the log lines with the message, about the setting.
func (o *output) lines(message, name string) (found []string) {
	for line := range strings.Lines(o.String()) {
		if strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, `"name":"`+name+`"`) {
			found = append(found, line)
		}
	}
	return found
}

// service runs until the test ends, or stop is called.
type service struct {
	config config
	log    *output
	stop   func()
}

func runService(t *testing.T) service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p, started, ended, log := program(), make(chan config, 1), make(chan int, 1), &output{}
	p.Run = func(ctx context.Context, cfg config, _ Role, registry *discovery.Registry) error {
		started <- cfg
		return registry.Run(ctx)
	}
	go func() { ended <- execute(ctx, p, []string{"serve"}, log, log) }()
	stop := sync.OnceFunc(func() {
		cancel()
		assert.Zero(t, <-ended, log)
	})
	t.Cleanup(stop)
	select {
	case cfg := <-started:
		return service{config: cfg, log: log, stop: stop}
	case code := <-ended:
		ended <- code
		require.Fail(t, "the service did not start", log.String())
	}
	return service{}
}

const patience = 30 * time.Second

func TestAStartTakesTheOverridesOfEtcd(t *testing.T) {
	t.Setenv("COMMAND_TEST_SIZE", "6")
	etcd := atEtcd(t)
	for name, value := range map[string]string{
		"LOG_LEVEL": "debug", "COMMAND_TEST_SIZE": "9", "COMMAND_TEST_PAGES": "7",
		"COMMAND_TEST_PASSWORD": "hunter2", "DATABASE_MAX_CONNS": "hunter2", "DATABASE_URL": "postgres://hunter2:hunter2@host/db",
		"COMMAND_TEST_PREFIX": "hunter2", "NOBODY": "hunter2",
	} {
		etcd.put("letters/config/"+name, value)
	}
	s := runService(t)
	assert.Equal(t, 9, s.config.Size)
	assert.Equal(t, 7, s.config.Pages.Get())
	assert.True(t, slog.Default().Enabled(t.Context(), slog.LevelDebug))
	assert.Equal(t, "development", s.config.Password.Reveal())
	assert.Equal(t, "postgres://host/db", s.config.Database.URL.Reveal())
	for name, reason := range map[string]string{
		"COMMAND_TEST_PASSWORD": "is a secret", "DATABASE_URL": "is a secret", "COMMAND_TEST_PREFIX": "only in the environment",
		"DATABASE_MAX_CONNS": "must be a whole number", "NOBODY": "no such setting",
	} {
		lines := s.log.lines("setting refused", name)
		require.NotEmpty(t, lines, name)
		assert.Contains(t, lines[0], reason)
		servertest.Eventually(t, patience, name+" is rejected", func() bool { return etcd.status("letters/config/"+name).State == "rejected" })
		assert.Contains(t, etcd.status("letters/config/"+name).Reason, reason)
	}
	s.stop()
	assert.NotContains(t, s.log.String(), "hunter2")
}

func TestALiveSettingChangesWhileTheServiceRuns(t *testing.T) {
	t.Setenv("COMMAND_TEST_PAGES", "6")
	etcd := atEtcd(t)
	s := runService(t)
	pages, ctx := s.config.Pages, t.Context()
	require.False(t, slog.Default().Enabled(ctx, slog.LevelDebug))

	etcd.put("letters/config/LOG_LEVEL", "debug")
	servertest.Eventually(t, patience, "the log is for debugging", func() bool { return slog.Default().Enabled(ctx, slog.LevelDebug) })
	etcd.put("letters/config/COMMAND_TEST_PAGES", "11")
	servertest.Eventually(t, patience, "11 is in use", func() bool { return pages.Get() == 11 })
	servertest.Eventually(t, patience, "11 is said to be in use", func() bool {
		return etcd.status("letters/config/COMMAND_TEST_PAGES").Value == "11"
	})
	assert.Len(t, s.log.lines("setting applied", "COMMAND_TEST_PAGES"), 1)

	etcd.put("letters/config/COMMAND_TEST_PAGES", "rubbish")
	servertest.Eventually(t, patience, "rubbish is refused", func() bool { return len(s.log.lines("setting refused", "COMMAND_TEST_PAGES")) == 1 })
	servertest.Eventually(t, patience, "the last good one is in use", func() bool {
		said := etcd.status("letters/config/COMMAND_TEST_PAGES")
		return said.State == "rejected" && said.Value == "11"
	})
	assert.Equal(t, 11, pages.Get())

	etcd.remove("letters/config/COMMAND_TEST_PAGES")
	servertest.Eventually(t, patience, "the environment's is in use", func() bool { return pages.Get() == 6 })
	etcd.remove("letters/config/LOG_LEVEL")
	servertest.Eventually(t, patience, "the log is as it was", func() bool { return !slog.Default().Enabled(ctx, slog.LevelDebug) })
	servertest.Eventually(t, patience, "that is a line in the log", func() bool { return len(s.log.lines("setting is the environment's again", "LOG_LEVEL")) == 1 })
}

func TestAnotherSettingWaitsForTheNextStart(t *testing.T) {
	etcd := atEtcd(t)
	const key, name = "letters/config/COMMAND_TEST_SIZE", "COMMAND_TEST_SIZE"
	s := runService(t)
	etcd.put(key, "9")
	servertest.Eventually(t, patience, "it is for the next start", func() bool {
		said := etcd.status(key)
		return said.State == "rejected" && said.Reason == "at next start"
	})
	assert.Equal(t, 5, s.config.Size)
	assert.Len(t, s.log.lines("setting is taken at the next start", name), 1)

	etcd.remove(key)
	servertest.Eventually(t, patience, "it is as it was", func() bool { return etcd.status(key).State == "applied" })
	etcd.put(key, "10")
	servertest.Eventually(t, patience, "the last is for the next start", func() bool { return etcd.status(key).Reason == "at next start" })
	s.stop()
	s = runService(t)
	assert.Equal(t, 10, s.config.Size)
	servertest.Eventually(t, patience, "it is in use", func() bool { return etcd.status(key).State == "applied" })
	etcd.remove(key)
	servertest.Eventually(t, patience, "the environment's is for the next start", func() bool { return etcd.status(key).Reason == "at next start" })
}

func TestAStartDoesNotNeedEtcd(t *testing.T) {
	server := servertest.NewEtcdServer(t)
	etcd := atEtcd(t, server.Endpoints()...)
	t.Setenv("STATE_DIR", t.TempDir())
	s := runService(t)
	etcd.put("letters/config/COMMAND_TEST_SIZE", "9")
	etcd.put("letters/config/COMMAND_TEST_PAGES", "7")
	servertest.Eventually(t, patience, "the edits have come", func() bool {
		return len(s.log.lines("setting is taken at the next start", "COMMAND_TEST_SIZE")) == 1 && s.config.Pages.Get() == 7
	})
	s.stop()
	server.Stop()

	t.Run("it takes what is remembered", func(t *testing.T) {
		s := runService(t)
		assert.Equal(t, 9, s.config.Size)
		assert.Equal(t, 7, s.config.Pages.Get())
		assert.Contains(t, s.log.String(), "starting with the overrides that are remembered")
	})
	t.Run("or else the environment", func(t *testing.T) {
		t.Setenv("STATE_DIR", t.TempDir())
		s := runService(t)
		assert.Equal(t, 5, s.config.Size)
		assert.Equal(t, 5, s.config.Pages.Get())
		assert.Contains(t, s.log.String(), "starting with the environment's settings")
	})
}

func TestARefusedEditThatIsTriedAgainIsSaidOnce(t *testing.T) {
	t.Parallel()
	log, edits := &output{}, &refusing{}
	o := newOverrides(edits, slog.New(slog.NewJSONHandler(log, nil)))
	for range 5 {
		require.Error(t, o.apply(t.Context(), "SIZE", "bad", 3))
	}
	assert.Len(t, log.lines("setting refused", "SIZE"), 1)
	require.Error(t, o.apply(t.Context(), "SIZE", "bad", 4))
	assert.Len(t, log.lines("setting refused", "SIZE"), 2)
	edits.good = true
	for range 3 {
		require.NoError(t, o.apply(t.Context(), "SIZE", "bad", 4))
	}
	assert.Len(t, log.lines("setting applied", "SIZE"), 1)
	require.NoError(t, o.apply(t.Context(), "SIZE", "", 5))
	assert.Empty(t, o.said)
}

type refusing struct{ good bool }

func (r *refusing) Override(string, string) error {
	if r.good {
		return nil
	}
	return assert.AnError
}

func (r *refusing) Restore(string) error { return nil }
