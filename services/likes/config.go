package main

import (
	"errors"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/setting"
)

// Config is every setting of likes; those of a package are documented there. It is read here and nowhere else.
type Config struct {
	// Env names the environment; its etcd keys are under tizza/<Env>/, and production refuses development secrets.
	Env string `env:"APP_ENV" envDefault:"development" override:"never"`
	// AdvertiseURL is where other services reach this instance.
	AdvertiseURL string `env:"ADVERTISE_URL" override:"never"`
	// ServiceToken is the client:password that likes calls others with.
	ServiceToken setting.Secret `env:"SERVICE_TOKEN"`
	// TombstoneKey keys the hashes of erased people's ids. Keep it as long as the database.
	TombstoneKey setting.Secret `env:"TOMBSTONE_KEY"`
	// MessageFormat is how bodies of messages are written: json or protobuf.
	MessageFormat message.Format `env:"MESSAGE_FORMAT" envDefault:"json"`
	// PizzaURL is where pizza is while etcd says nothing.
	PizzaURL string `env:"PIZZA_URL" envDefault:"http://127.0.0.1:8002" override:"never, use the key pizza/url"`

	HTTP      httpserver.Config
	Identity  identity.Config
	Postgres  postgres.Config
	Broker    broker.Config
	Discovery discovery.Config
	Client    httpclient.Config
}

const (
	developmentTokens = `{"auth-service":"auth-development","pizza-service":"pizza-development",` +
		`"likes-service":"likes-development","events-service":"events-development","operator":"operator-development"}`
	developmentKeys = "development:dGl6emEgZGV2ZWxvcG1lbnQgc2Vzc2lvbiBrZXkgISE="
)

// defaults are for development on one machine; production refuses the secrets among them.
func defaults() Config {
	return Config{
		AdvertiseURL: "http://127.0.0.1:8003",
		ServiceToken: "likes-service:likes-development",
		TombstoneKey: "likes-tombstones-development",
		HTTP:         httpserver.Config{Addr: "127.0.0.1:8003"},
		Identity:     identity.Config{ClientTokens: developmentTokens, SessionKeys: developmentKeys},
		Postgres:     postgres.Config{URL: "postgres://likes:likes-development@127.0.0.1:25432/likes?sslmode=disable"},
		Broker:       broker.Config{URL: "amqp://127.0.0.1:25673/", Username: "likes", Password: "likes-development"},
		Discovery:    discovery.Config{Endpoints: []string{"http://127.0.0.1:22379"}},
	}
}

// Validate names every setting that is wrong.
func (c Config) Validate() error {
	return errors.Join(
		setting.CheckLabel("APP_ENV", c.Env),
		setting.CheckURL("ADVERTISE_URL", c.AdvertiseURL),
		setting.CheckToken("SERVICE_TOKEN", c.ServiceToken),
		setting.CheckURL("PIZZA_URL", c.PizzaURL),
	)
}
