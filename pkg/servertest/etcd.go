package servertest

import (
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Etcd returns the test server's endpoints and a prefix (without a slash at its
// end) under which the test is alone; what is there is deleted when the test ends.
func Etcd(t testing.TB) (endpoints []string, prefix string) {
	t.Helper()
	endpoints = strings.Split(setting(t, "TEST_ETCD_ENDPOINTS"), ",")
	prefix = "servertest/" + unique()
	t.Cleanup(func() {
		client, err := newEtcdClient(endpoints)
		if err != nil {
			t.Errorf("connect to etcd: %v", err)
			return
		}
		defer client.Close()
		ctx, cancel := cleanupContext()
		defer cancel()
		if _, err := client.Delete(ctx, prefix+"/", clientv3.WithPrefix()); err != nil {
			t.Errorf("delete test keys: %v", err)
		}
	})
	return endpoints, prefix
}

// EtcdClient returns a client of its own for the test, closed when it ends.
func EtcdClient(t testing.TB, endpoints []string) *clientv3.Client {
	t.Helper()
	client, err := newEtcdClient(endpoints)
	if err != nil {
		t.Fatalf("connect to etcd: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newEtcdClient(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}
