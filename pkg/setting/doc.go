// Package setting loads a program's settings from the environment
// (https://12factor.net/config), and lets operators override them while it runs.
//
// A program describes its settings as one struct, filled with the defaults that
// suit development, whose fields name their variable in an `env` tag:
//
//	type Config struct {
//		Env      string            `env:"APP_ENV" override:"never"`
//		PageSize setting.Live[int] `env:"PAGE_SIZE" envDefault:"5"`
//		Wait     time.Duration     `env:"WAIT"`
//		Database postgres.Config   // nested structs are read too
//	}
//
//	cfg := Config{Env: "development", Wait: time.Second}
//	if err := setting.Load(&cfg); err != nil { … }
//
// A variable that is unset or empty leaves the default. Everything that is wrong
// is found in one go and reported as one [Error], by the variables' names and
// never with a secret's value. With APP_ENV=production no Secret may still have
// the value that it has in development.
//
// [Settings] are the same with overrides, which may come and go:
//
//	settings, err := setting.Open(Config{…})     // the environment
//	refused := settings.Start(overrides)         // those that are there already
//	run(settings.Config())
//	err = settings.Override("PAGE_SIZE", "10")   // nil: in use
//	err = settings.Override("WAIT", "2s")        // ErrAtNextStart
//	err = settings.Override("APP_ENV", "x")      // a *Refusal
//	err = settings.Restore("PAGE_SIZE")          // the environment's again
//
// A bad environment stops a start, a bad override never does. It is refused, and
// changes nothing: what was in use stays. Whether one is good is asked of a whole
// copy of the settings that has it, so that no combination comes about that the
// next start would refuse. Several that are good together only may come in any
// order, if those that were refused are tried again.
//
// A field is live if it is a [Live]: whoever has a copy sees the change. Any other
// changes at the next start. A [Secret], and what the tag `override:"never"` is on,
// has its value from the environment alone. The tag may say what to do instead,
// after a comma.
package setting
