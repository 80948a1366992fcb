package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/setting"
)

// Config is every setting of auth; those of a package are documented there. It is read here and nowhere else.
type Config struct {
	// Env names the environment; its etcd keys are under tizza/<Env>/, and production refuses development secrets.
	Env string `env:"APP_ENV" envDefault:"development" override:"never"`
	// AdvertiseURL is where other services reach this instance.
	AdvertiseURL string `env:"ADVERTISE_URL" override:"never"`
	// TombstoneKey keys the hashes of erased people's ids. Keep it as long as the database.
	TombstoneKey setting.Secret `env:"TOMBSTONE_KEY"`
	// MessageFormat is how bodies of messages are written: json or protobuf.
	MessageFormat message.Format `env:"MESSAGE_FORMAT" envDefault:"json"`
	// PublishUserDeletedV1 also sends the deprecated user.deleted.1.0.0.
	PublishUserDeletedV1 bool `env:"PUBLISH_USER_DELETED_V1" envDefault:"true"`
	// SessionTTL is how long a session lasts, to the second.
	SessionTTL time.Duration `env:"SESSION_TTL" envDefault:"24h"`
	// PasswordConcurrency is how many passwords are hashed at once; each takes 19 MiB.
	PasswordConcurrency int `env:"PASSWORD_CONCURRENCY" envDefault:"4"`

	HTTP      httpserver.Config
	Identity  identity.Config
	Postgres  postgres.Config
	Broker    broker.Config
	Discovery discovery.Config
}

const (
	developmentTokens = `{"auth-service":"auth-development","pizza-service":"pizza-development",` +
		`"likes-service":"likes-development","events-service":"events-development","operator":"operator-development"}`
	developmentKeys = "development:dGl6emEgZGV2ZWxvcG1lbnQgc2Vzc2lvbiBrZXkgISE="
)

// defaults are for development on one machine; production refuses the secrets among them.
func defaults() Config {
	return Config{
		AdvertiseURL: "http://127.0.0.1:8001",
		TombstoneKey: "auth-tombstones-development",
		HTTP:         httpserver.Config{Addr: "127.0.0.1:8001"},
		Identity:     identity.Config{ClientTokens: developmentTokens, SessionKeys: developmentKeys},
		Postgres:     postgres.Config{URL: "postgres://auth:auth-development@127.0.0.1:25432/auth?sslmode=disable"},
		Broker:       broker.Config{URL: "amqp://127.0.0.1:25673/", Username: "auth", Password: "auth-development"},
		Discovery:    discovery.Config{Endpoints: []string{"http://127.0.0.1:22379"}},
	}
}

// Validate names every setting that is wrong.
func (c Config) Validate() error {
	errs := []error{
		setting.CheckLabel("APP_ENV", c.Env),
		setting.CheckURL("ADVERTISE_URL", c.AdvertiseURL),
	}
	if c.SessionTTL < time.Second {
		errs = append(errs, fmt.Errorf("SESSION_TTL: %s is less than 1s", c.SessionTTL))
	}
	if c.PasswordConcurrency < 1 {
		errs = append(errs, fmt.Errorf("PASSWORD_CONCURRENCY: %d is less than 1", c.PasswordConcurrency))
	}
	return errors.Join(errs...)
}
