package throughput

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
)

// barePublish sends as the publisher does, with nothing but the client library: persistent, mandatory, confirmed, a
// batch in the pipeline.
func (s *stage) barePublish() time.Duration {
	defer s.empty()
	ch := s.server.Channel(s.TB)
	require.NoError(s, ch.Confirm(false))
	began := time.Now()
	for range messages / batch {
		confirms := make([]*amqp.DeferredConfirmation, batch)
		for i, m := range facts(batch) {
			var err error
			confirms[i], err = ch.PublishWithDeferredConfirmWithContext(s.Context(), m.Exchange, m.Key, true, false, amqp.Publishing{
				ContentType: m.ContentType, DeliveryMode: amqp.Persistent, MessageId: m.ID.String(), Type: m.Key, Body: m.Body,
				Headers: amqp.Table{"traceparent": m.Headers["traceparent"]},
			})
			require.NoError(s, err)
		}
		for _, confirm := range confirms {
			require.True(s, confirm.Wait())
		}
	}
	return time.Since(began)
}

// bareConsume reads with nothing but the client library, and acknowledges in the batches that handlers get.
func (s *stage) bareConsume() time.Duration {
	s.fill()
	ch := s.server.Channel(s.TB)
	began := time.Now()
	require.NoError(s, ch.Qos(2*together, 0, false))
	deliveries, err := ch.Consume("bench.facts", "", false, false, false, false, nil)
	require.NoError(s, err)
	for i := 1; i <= messages; i++ {
		d := <-deliveries
		if i%together == 0 {
			require.NoError(s, d.Ack(true))
		}
	}
	took := time.Since(began)
	require.NoError(s, ch.Close())
	return took
}

// consume is a consumer whose handler does nothing: what reading, judging and acknowledging cost.
func (s *stage) consume() time.Duration {
	var handled atomic.Int64
	return s.handled(broker.Subscription{Concurrency: 2, Batch: together, Together: countInto(&handled)}, func() int { return int(handled.Load()) })
}

// outboxScript is the relay's statements for one batch.
const outboxScript = `
BEGIN;
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true);
WITH due AS (
	SELECT id FROM outbox WHERE state = 'waiting' AND available_at <= now() ORDER BY available_at, id LIMIT 200 FOR UPDATE SKIP LOCKED
), claimed AS (
	UPDATE outbox SET state = 'claimed', attempts = attempts + 1, available_at = now() + interval '30 seconds'
	FROM due WHERE outbox.id = due.id
	RETURNING outbox.id, message_id, exchange, key, content_type, headers, body)
SELECT array_agg(id) AS ids, count(body) AS bodies FROM claimed \gset
COMMIT;
DELETE FROM outbox WHERE id = ANY(:ids::bigint[]);
`

func (s *stage) pgbenchOutbox() time.Duration {
	s.append()
	took := s.pgbench(outboxScript, 1, messages/batch)
	require.Zero(s, s.count("outbox"))
	return took
}

// pgbenchInbox is what a handler's transaction does, for that many messages at a time.
func (s *stage) pgbenchInbox(size, clients int) time.Duration {
	defer s.clear()
	script := fmt.Sprintf(`
BEGIN;
WITH first AS (
	INSERT INTO inbox (queue, message_id) SELECT 'bench.facts', gen_random_uuid() AS id FROM generate_series(1, %d) ORDER BY id
	ON CONFLICT DO NOTHING RETURNING message_id)
SELECT array_agg(message_id) AS ids FROM first \gset
INSERT INTO effects (message_id) SELECT unnest(:ids::uuid[]);
COMMIT;
`, size)
	return s.pgbench(script, clients, messages/size/clients)
}

// pgbench runs the script that often by each of the clients.
func (s *stage) pgbench(script string, clients, times int) time.Duration {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	require.NoError(s, err)
	require.NotEmpty(s, found, "pgbench comes with PostgreSQL's server")
	slices.Sort(found)
	path := filepath.Join(s.TempDir(), "script.sql")
	require.NoError(s, os.WriteFile(path, []byte(script), 0o600))
	began := time.Now()
	out, err := exec.CommandContext(s.Context(), found[len(found)-1], "--no-vacuum", "--protocol=prepared", "--file="+path,
		"--client="+strconv.Itoa(clients), "--transactions="+strconv.Itoa(times), s.database.URL()).CombinedOutput()
	require.NoError(s, err, "%s", out)
	return time.Since(began)
}
