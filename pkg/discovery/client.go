package discovery

import (
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

const (
	callTimeout = 5 * time.Second
	dialTimeout = 5 * time.Second
)

// newClient dials nothing. The library's own way to give it a name and a password
// logs in at once, and fails when etcd is away: so it starts with a token that no
// etcd knows, and logs in when the first call is told so. With authentication
// switched off in etcd, nobody looks at the token.
func newClient(cfg Config) (*clientv3.Client, error) {
	settings := clientv3.Config{
		Endpoints:            cfg.Endpoints,
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    10 * time.Second, // finds connections that only look alive
		DialKeepAliveTimeout: 3 * time.Second,
		Logger:               zap.NewNop(), // this package logs changes of state itself
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: dialTimeout,
		})},
	}
	named := cfg.Username != "" && cfg.Password != ""
	if named {
		settings.Token = "none yet"
	}
	client, err := clientv3.New(settings)
	if err != nil {
		return nil, errors.New("the settings do not make a client") // the cause may carry the password
	}
	if named {
		client.Token, client.Username, client.Password = "", cfg.Username, cfg.Password.Reveal()
	}
	return client, nil
}
