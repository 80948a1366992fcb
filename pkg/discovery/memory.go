package discovery

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// memory is what the next start begins with: in the process, and in a file if there
// is a folder for it. A file that cannot be read or written never stops anything.
type memory struct {
	path    string // "": no file
	service string
	prefix  string
	log     *slog.Logger
	dirty   chan struct{}

	mu       sync.Mutex
	keys     map[string]edit
	store    string
	revision int64
	broken   bool                       // the last write failed, which is logged once
	told     map[string]map[string]edit // what was read before Run, by what its keys begin with
}

// saveEvery is the shortest time between two writes.
const saveEvery = time.Second

func newMemory(folder, service, prefix string, log *slog.Logger) *memory {
	m := &memory{service: service, prefix: prefix, log: log, dirty: make(chan struct{}, 1), keys: map[string]edit{}}
	if folder == "" {
		return m
	}
	m.path = filepath.Join(folder, service+".discovery.json")
	if err := m.load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.log.Warn("what was remembered is not usable, going on without it", "path", m.path, "cause", err)
	}
	return m
}

// all is a copy.
func (m *memory) all() map[string]edit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.keys)
}

// below is the values of keys that begin so, without that.
func (m *memory) below(prefix string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string]string{}
	for key, e := range m.keys {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			found[name] = e.value
		}
	}
	return found
}

// tell notes what etcd has of the keys that begin so.
func (m *memory) tell(prefix string, found map[string]edit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told == nil {
		m.told = map[string]map[string]edit{}
	}
	m.told[prefix] = found
}

// beginning is what Run begins with: what is remembered, and what was read since, so
// that a program that has read a value hears of it again, also when it is gone by
// the first list. What is remembered of a key comes first: it was good.
func (m *memory) beginning() map[string]edit {
	all := m.all()
	m.mu.Lock()
	defer m.mu.Unlock()
	for prefix, found := range m.told {
		maps.DeleteFunc(all, func(key string, _ edit) bool {
			_, there := found[key]
			return strings.HasPrefix(key, prefix) && !there
		})
		for key, e := range found {
			if _, known := all[key]; !known {
				all[key] = e
			}
		}
	}
	m.told = nil
	return all
}

func (m *memory) keep(key string, e edit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.keys[key].same(e) {
		m.keys[key] = e
		m.touch()
	}
}

func (m *memory) drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys[key]; ok {
		delete(m.keys, key)
		m.touch()
	}
}

// retain notes a list, and drops what it does not have.
func (m *memory) retain(store string, revision int64, keep func(key string) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.store != store || revision < m.revision {
		m.touch()
	}
	m.store, m.revision = store, revision
	for key := range m.keys {
		if !keep(key) {
			delete(m.keys, key)
			m.touch()
		}
	}
}

func (m *memory) touch() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// run writes what changed until ctx ends; save is for what comes after.
func (m *memory) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.dirty:
		}
		m.touch() // save takes it
		m.save(ctx)
		if !sleep(ctx, saveEvery) {
			return
		}
	}
}

// save writes the file if anything has changed. What fails is tried again at the
// next change, or at the next look.
func (m *memory) save(ctx context.Context) {
	select {
	case <-m.dirty:
	default:
		return
	}
	if m.path == "" {
		return
	}
	err := m.write()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		m.touch()
		if !m.broken {
			m.log.WarnContext(ctx, "cannot write what is to be remembered, trying again", "path", m.path, "cause", err)
		}
	case m.broken:
		m.log.InfoContext(ctx, "what is to be remembered is written again", "path", m.path)
	}
	m.broken = err != nil
}
