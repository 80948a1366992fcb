package discovery

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// status is what the key status/<service>/<id> says of this process.
type status struct {
	Keys map[string]statusEntry `json:"keys"`
	// Revision of Store up to which the process knew everything when it wrote this.
	Revision int64  `json:"revision,omitempty"`
	Store    string `json:"store,omitempty"`
}

// statusEntry is one key. Revision, State and Reason are of the last edit that was
// judged, Value is what is in use.
type statusEntry struct {
	Revision int64  `json:"revision"`
	Value    string `json:"value"`
	State    state  `json:"state"`
	Reason   string `json:"reason"`
	InUse    int64  `json:"in_use,omitempty"`  // revision of Value, if it is another
	Pending  int64  `json:"pending,omitempty"` // revision of an edit that is being judged
}

// follows says whether an edit, or a later one, is in use there.
func (s status) follows(key string, revision int64) bool {
	e, found := s.Keys[key]
	switch {
	case !found:
		return s.Revision >= revision // it knows all edits up to there, and none of this key
	case e.State == applied && (e.Revision >= revision || e.Pending == 0 && s.Revision >= revision):
		return true // nothing has come since
	default:
		return e.InUse >= revision
	}
}

// Bounds of a status key.
const (
	maxReported = 64                    // instances that are rejected
	maxReason   = 300                   // bytes
	maxStatus   = 512 << 10             // bytes; etcd takes three times as much
	coalesce    = 20 * time.Millisecond // news that come together are written together
)

// reportStatus has the session keep the status key up to date, from the first list on.
func (r *Registry) reportStatus(ctx context.Context) {
	var last map[string]statusEntry
	var store string
	var at int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.view.news:
		}
		if !sleep(ctx, coalesce) {
			return
		}
		s, listedAt := r.view.status()
		if listedAt == 0 || s.Store == store && listedAt == at && maps.Equal(s.Keys, last) {
			continue // a later revision alone is no news, or each report would cause the next
		}
		last, store, at = s.Keys, s.Store, listedAt // what went unseen before a list is known, too
		text, err := s.encode()
		if err != nil {
			r.log.ErrorContext(ctx, "cannot write the status key", "cause", err)
			continue
		}
		r.session.set(r.prefix+statusFolder+r.name(), string(text))
	}
}

// encode leaves the values out when there are too many to be put.
func (s status) encode() ([]byte, error) {
	text, err := json.Marshal(s)
	if len(text) <= maxStatus {
		return text, err
	}
	short := maps.Clone(s.Keys)
	for key, e := range short {
		e.Value = ""
		short[key] = e
	}
	s.Keys = short
	return json.Marshal(s)
}

// name is this process's.
func (r *Registry) name() string { return r.service + "/" + r.id }

// status comes with the revision of the last list, 0 before the first.
func (v *view) status() (status, int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.report(), v.listedAt
}

// report is what this process's status key should say. The caller holds v.mu.
func (v *view) report() status {
	s := status{Keys: map[string]statusEntry{}, Revision: v.seen, Store: v.store}
	instances := 0
	for _, key := range slices.Sorted(maps.Keys(v.levers)) {
		l := v.levers[key]
		if !l.operators() {
			if l.state != rejected || instances == maxReported {
				continue
			}
			instances++
		}
		s.Keys[key] = l.entry()
	}
	return s
}

// entry is what is reported of a lever. The caller holds v.mu.
func (l *lever) entry() statusEntry {
	e := statusEntry{Revision: l.judged, State: l.state, Reason: l.reason}
	if l.state == "" {
		e.State = applied // nothing yet: what was there before any edit
	}
	if l.inUse != nil {
		e.Value = l.inUse.value
		if l.inUse.revision != l.judged {
			e.InUse = l.inUse.revision
		}
	}
	if l.pending {
		e.Pending = l.latest.revision
	}
	// A rejected edit stays pending while it is tried again; its state says so.
	if l.state == rejected && l.judged == l.latest.revision {
		e.Pending = 0
	}
	return e
}
