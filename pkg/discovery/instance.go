package discovery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/client/v3/naming/endpoints"
)

// instanceID tells processes apart, also those on one host and those that restart.
func instanceID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	return host + "-" + hex.EncodeToString(random)
}

// farewell bounds each wait of a process that stops for etcd to forget it.
const farewell = 1500 * time.Millisecond

// Instance returns a component that has this process registered as an instance of
// the service at that address, while Run runs: whatever was lost is put again, for
// ever. When ctx ends it is taken back at once.
func (r *Registry) Instance(service, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := usable(address); err != nil {
			return fmt.Errorf("register instance: ADVERTISE_URL: %w", err)
		}
		value, err := json.Marshal(endpoints.Endpoint{Addr: address})
		if err != nil {
			return fmt.Errorf("register instance: %w", err)
		}
		key := r.prefix + service + "/instances/" + r.id
		r.session.set(key, string(value))
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		r.session.remove(bounded, key)
		return nil
	}
}
