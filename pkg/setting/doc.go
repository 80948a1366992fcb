// Package setting loads a program's settings from the environment
// (https://12factor.net/config).
//
// A program describes its settings as one struct, filled with the defaults that
// suit development, whose fields name their variable in an `env` tag:
//
//	type Config struct {
//		Env      string          `env:"APP_ENV"`
//		PageSize int             `env:"PAGE_SIZE"`
//		Database postgres.Config // nested structs are read too
//	}
//
//	cfg := Config{Env: "development", PageSize: 5}
//	if err := setting.Load(&cfg); err != nil { … }
//
// A variable that is unset or empty leaves the default. Everything that is wrong
// is found in one go and reported as one [Error], by the variables' names and
// never with a secret's value. With APP_ENV=production no Secret may still have
// the value that it has in development.
package setting
