package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// journalLength is how many edits of a key are kept.
const journalLength = 20

// journal writes edits that are in use to journal/<key>/<revision>, once for all
// processes, so that the one before can be found after a compaction too. Nothing
// depends on it: what cannot be written is left out.
type journal struct {
	client *clientv3.Client
	prefix string
	log    *slog.Logger
	lines  chan line
	broken bool // the last line was left out, which is logged once
}

type line struct {
	key string
	edit
}

func newJournal(client *clientv3.Client, prefix string, log *slog.Logger) *journal {
	return &journal{client: client, prefix: prefix + journalFolder, log: log, lines: make(chan line, 1024)}
}

// add never waits.
func (j *journal) add(key string, e edit) {
	select {
	case j.lines <- line{key, e}:
	default:
	}
}

func (j *journal) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-j.lines:
			err := j.write(ctx, l)
			if err != nil && ctx.Err() == nil && !j.broken {
				j.log.WarnContext(ctx, "an edit could not be written into the journal", "key", l.key, "revision", l.revision, "cause", err)
			}
			j.broken = err != nil
		}
	}
}

func (j *journal) write(ctx context.Context, l line) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	folder := j.prefix + l.key + "/"
	key := fmt.Sprintf("%s%020d", folder, l.revision)
	answer, err := j.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, l.value)).
		Commit()
	if err != nil || !answer.Succeeded {
		return err
	}
	return j.prune(ctx, folder)
}

// prune deletes all but the newest lines of a key.
func (j *journal) prune(ctx context.Context, folder string) error {
	found, err := j.client.Get(ctx, folder, clientv3.WithPrefix(), clientv3.WithKeysOnly(), newestFirst, clientv3.WithLimit(journalLength))
	if err != nil || len(found.Kvs) < journalLength {
		return err
	}
	oldest := string(found.Kvs[journalLength-1].Key)
	_, err = j.client.Delete(ctx, folder, clientv3.WithRange(oldest))
	return err
}

// newestFirst: the revisions in keys have leading zeros.
var newestFirst = clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend)

// History is the values of an operator's key that were in use, the newest first,
// at most twenty, deletions left out.
func (r *Registry) History(ctx context.Context, key string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	folder := r.prefix + journalFolder + key + "/"
	found, err := r.client.Get(ctx, folder, clientv3.WithPrefix(), newestFirst)
	if err != nil {
		return nil, fmt.Errorf("read the journal of %s: %w", key, err)
	}
	values := []string{}
	for _, kv := range found.Kvs {
		if len(kv.Value) > 0 && len(kv.Key) == len(folder)+20 {
			values = append(values, string(kv.Value))
		}
	}
	return slices.Clip(values), nil
}
