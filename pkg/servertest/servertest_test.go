package servertest_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

func schema(table string) postgres.Schema {
	statement := fmt.Sprintf("-- +goose Up\nCREATE TABLE %s (id bigint PRIMARY KEY);\n", table)
	return postgres.Schema{Name: table, Files: fstest.MapFS{"00001_create.sql": {Data: []byte(statement)}}}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprintf("clone %d is migrated and sees nothing of the others", i), func(t *testing.T) {
			t.Parallel()
			db := servertest.Postgres(t, schema("animals"), schema("plants"))
			require.NoError(t, db.Ready(t.Context()))
			require.NoError(t, db.DB().Exec("INSERT INTO animals VALUES (1)").Error)
			require.NoError(t, db.DB().Exec("INSERT INTO plants VALUES (1)").Error)
		})
	}
	t.Run("other schemas get another template", func(t *testing.T) {
		t.Parallel()
		db := servertest.Postgres(t, schema("animals"))
		require.Error(t, db.DB().Exec("INSERT INTO plants VALUES (1)").Error)
	})
	t.Run("a database is gone after its test", func(t *testing.T) {
		t.Parallel()
		var name string
		require.True(t, t.Run("inner", func(t *testing.T) {
			db := servertest.Postgres(t)
			require.NoError(t, db.DB().Raw("SELECT current_database()").Scan(&name).Error)
		}))
		var found int64
		db := servertest.Postgres(t)
		require.NoError(t, db.DB().Raw("SELECT count(*) FROM pg_database WHERE datname = ?", name).Scan(&found).Error)
		assert.NotEmpty(t, name)
		assert.Zero(t, found)
	})
}

func TestRabbitMQ(t *testing.T) {
	t.Parallel()
	t.Run("a queue is in the test's own vhost and its depth is told", func(t *testing.T) {
		t.Parallel()
		broker := servertest.RabbitMQ(t)
		channel := broker.Channel(t)
		_, err := channel.QueueDeclare("letters", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		require.NoError(t, err)
		require.NoError(t, channel.PublishWithContext(t.Context(), "", "letters", true, false, amqp.Publishing{Body: []byte("x")}))
		servertest.Eventually(t, 10*time.Second, "one message in the queue", func() bool {
			depth, exists := broker.Depth(t, "letters")
			return exists && depth == 1
		})
		_, exists := servertest.RabbitMQ(t).Depth(t, "letters")
		assert.False(t, exists)
	})
	t.Run("a user has only the rights that it was given", func(t *testing.T) {
		t.Parallel()
		broker := servertest.RabbitMQ(t)
		restricted := *broker
		restricted.Username, restricted.Password = broker.User(t, "^own$", "^own$", "^own$")
		_, err := restricted.Channel(t).QueueDeclare("own", true, false, false, false, nil)
		require.NoError(t, err)
		_, err = restricted.Channel(t).QueueDeclare("foreign", true, false, false, false, nil)
		require.ErrorContains(t, err, "ACCESS_REFUSED")
	})
	t.Run("connections can be cut", func(t *testing.T) {
		t.Parallel()
		broker := servertest.RabbitMQ(t)
		closed := broker.Channel(t).NotifyClose(make(chan *amqp.Error, 1))
		servertest.Eventually(t, 30*time.Second, "the connection is known and cut", func() bool {
			return broker.CloseConnections(t) == 1
		})
		require.NotNil(t, <-closed)
	})
}

func TestEtcd(t *testing.T) {
	t.Parallel()
	t.Run("keys under the prefix are gone after the test", func(t *testing.T) {
		t.Parallel()
		endpoints, _ := servertest.Etcd(t)
		client := servertest.EtcdClient(t, endpoints)
		var prefix string
		require.True(t, t.Run("inner", func(t *testing.T) {
			_, prefix = servertest.Etcd(t)
			_, err := client.Put(t.Context(), prefix+"/key", "value")
			require.NoError(t, err)
		}))
		found, err := client.Get(t.Context(), prefix+"/", clientv3.WithPrefix())
		require.NoError(t, err)
		assert.Empty(t, found.Kvs)
	})
	t.Run("a server of the test's own stops, starts again with its keys, without them after a wipe, and with those of a copy", func(t *testing.T) {
		t.Parallel()
		server := servertest.NewEtcdServer(t)
		client := servertest.EtcdClient(t, server.Endpoints())
		_, err := client.Put(t.Context(), "key", "value")
		require.NoError(t, err)

		server.Stop()
		server.Start()
		found, err := client.Get(t.Context(), "key")
		require.NoError(t, err)
		assert.Len(t, found.Kvs, 1)

		server.Stop()
		restore := server.Copy()
		server.Wipe()
		server.Start()
		found, err = client.Get(t.Context(), "key")
		require.NoError(t, err)
		assert.Empty(t, found.Kvs)

		server.Stop()
		restore()
		server.Start()
		found, err = client.Get(t.Context(), "key")
		require.NoError(t, err)
		assert.Len(t, found.Kvs, 1)
	})
}
