package discovery

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tizza/tizza/pkg/setting"
)

// Config says where etcd is and which addresses its values may name. None of it
// can be overridden from etcd: whoever may write there must not widen what etcd
// may say.
type Config struct {
	Endpoints []string       `env:"ETCD_ENDPOINTS" override:"never"`
	Username  string         `env:"ETCD_USERNAME" override:"never"`
	Password  setting.Secret `env:"ETCD_PASSWORD"`
	// AllowedHosts are the hosts that values may name: names, addresses, CIDRs, or
	// ".domain" for all under it. Empty allows every host but link-local ones.
	AllowedHosts []string `env:"DISCOVERY_ALLOWED_HOSTS" override:"never"`
	// StateDir is the folder for what is remembered over a restart. Empty: nothing is.
	StateDir string `env:"STATE_DIR" override:"never"`
}

// Validate checks the settings without a connection.
func (c Config) Validate() error {
	var errs []error
	if len(c.Endpoints) == 0 {
		errs = append(errs, errors.New("ETCD_ENDPOINTS: is required"))
	}
	for _, endpoint := range c.Endpoints {
		if !strings.Contains(endpoint, "://") {
			endpoint = "http://" + endpoint // as etcd's own tools take it
		}
		if _, err := usable(endpoint); err != nil {
			errs = append(errs, fmt.Errorf("ETCD_ENDPOINTS: one is not a URL to use: %w", err))
			break
		}
	}
	if _, err := newPolicy(c.AllowedHosts); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
