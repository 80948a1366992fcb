package discovery

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// others is what the status keys of all processes say, and which services hold
// personal data.
type others struct {
	statuses map[string]status // by service/id
	holders  map[string]bool
}

func newOthers() others {
	return others{statuses: map[string]status{}, holders: map[string]bool{}}
}

func (o others) add(key string, value []byte) {
	if name, ok := strings.CutPrefix(key, statusFolder); ok && len(key) <= maxKey {
		if _, known := o.statuses[name]; known || len(o.statuses) < maxGroup {
			var s status
			_ = json.Unmarshal(value, &s) // what cannot be read is alive, and follows nothing that it does not name
			o.statuses[name] = s
		}
	}
	if name, ok := strings.CutPrefix(key, holderFolder); ok && len(key) <= maxKey {
		o.holders[name] = true
	}
}

func (o others) remove(key string) {
	if name, ok := strings.CutPrefix(key, statusFolder); ok {
		delete(o.statuses, name)
	}
	if name, ok := strings.CutPrefix(key, holderFolder); ok {
		delete(o.holders, name)
	}
}

// Missing is who does not follow the key at that revision or a later one yet:
// "service/id" of a live process, "service" of a holder of personal data without
// any. It is this process as long as etcd is not followed: nothing is known then.
//
// Of a url everybody is expected to follow, of a service's own key its processes,
// of any other those whose status names it.
func (r *Registry) Missing(key string, revision int64) []string {
	return r.view.missing(key, revision)
}

func (v *view) missing(key string, revision int64) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.listed || !v.follows || time.Since(v.heardAt) > silence {
		return []string{v.registry.name()}
	}
	missing := map[string]bool{}
	without := maps.Clone(v.others.holders)
	statuses := maps.Clone(v.others.statuses)
	statuses[v.registry.name()] = v.report() // it knows better than its key
	for name, s := range statuses {
		service, _, _ := strings.Cut(name, "/")
		delete(without, service)
		if expected(key, service, s) && (s.Store != "" && s.Store != v.store || !s.follows(key, revision)) {
			missing[name] = true
		}
	}
	maps.Copy(missing, without)
	return slices.Sorted(maps.Keys(missing))
}

// expected says whether a process of that service follows the key at all.
func expected(key, service string, s status) bool {
	if _, named := s.Keys[key]; named {
		return true
	}
	g, steers := classify(key, false)
	owner, _, _ := strings.Cut(key, "/")
	return steers && g.kind == kindURL || owner == service
}
