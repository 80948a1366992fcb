package discovery

import (
	"path"
	"strings"

	"github.com/tizza/tizza/pkg/setting"
)

// kind is what a key steers.
type kind string

const (
	kindURL      kind = "url"
	kindInstance kind = "instance"
	kindSetting  kind = "setting"
	kindBroker   kind = "broker"
	kindOther    kind = "other"
)

// Folders and keys that this package writes or reads itself.
const (
	storeKey      = "store" // the store's random id: see the package's doc
	statusFolder  = "status/"
	journalFolder = "journal/"
	holderFolder  = "personal-data/"
)

// Bounds of what is taken from etcd.
const (
	maxKey   = 512  // bytes
	maxValue = 2048 // bytes
	maxGroup = 1000 // keys of one kind and service
)

// reserved are first parts of keys that are no service's.
var reserved = map[string]bool{"store": true, "status": true, "journal": true, "personal-data": true, "rabbitmq": true}

// group is what bounds are counted by.
type group struct {
	kind    kind
	service string
}

// classify says what a key (below the prefix) steers, and of which service.
// handled says that a handler asked for it. False: nothing.
func classify(key string, handled bool) (group, bool) {
	parts := strings.Split(key, "/")
	switch {
	case len(key) > maxKey:
		return group{}, false
	case handled && parts[0] == "rabbitmq":
		return group{kind: kindBroker}, true
	case handled && path.Base(path.Dir(key)) == "config":
		return group{kindSetting, parts[0]}, true
	case handled:
		return group{kindOther, parts[0]}, true
	case reserved[parts[0]] || setting.CheckLabel("", parts[0]) != nil:
		return group{}, false
	case len(parts) == 2 && parts[1] == "url":
		return group{kindURL, parts[0]}, true
	case len(parts) == 3 && parts[1] == "instances" && parts[2] != "":
		return group{kindInstance, parts[0]}, true
	}
	return group{}, false
}
