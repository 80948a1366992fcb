package httpclient

import (
	"errors"
	"fmt"
	"time"

	"github.com/tizza/tizza/pkg/setting"
)

// Config is what operators set, all of it while the program runs. A zero field
// has its default.
type Config struct {
	// Timeout is how long a call may take, with all its attempts and the body. A
	// caller's own deadline holds if it is sooner.
	Timeout setting.Live[time.Duration] `env:"CLIENT_TIMEOUT" envDefault:"5s"`
	// MaxInFlight is how many requests are under way in total. One service takes
	// all but MaxInFlightPerHost of them at most, so that others can be called
	// while it hangs: leave room for as many services as may hang at once.
	MaxInFlight setting.Live[int] `env:"CLIENT_MAX_IN_FLIGHT" envDefault:"256"`
	// MaxInFlightPerHost is how many are under way to one instance: what it can
	// answer at a time, and less than MaxInFlight.
	MaxInFlightPerHost setting.Live[int] `env:"CLIENT_MAX_IN_FLIGHT_PER_HOST" envDefault:"64"`
	// FanOut is how many calls Each makes at a time, MaxInFlightPerHost at most.
	FanOut setting.Live[int] `env:"CLIENT_FAN_OUT" envDefault:"8"`
	// RetryBudget is how many retries there may be per call to a service, seen
	// over ten seconds. 0: none but three, which a quiet client may always make, and
	// those of requests that were never sent and go to another instance.
	RetryBudget setting.Live[float64] `env:"CLIENT_RETRY_BUDGET" envDefault:"0.2"`
}

const (
	defaultTimeout     = 5 * time.Second
	defaultInFlight    = 256
	defaultPerHost     = 64
	defaultFanOut      = 8
	defaultRetryBudget = 0.2

	shortestTimeout = 50 * time.Millisecond
	longestTimeout  = time.Minute
	mostInFlight    = 1 << 16
	mostFanOut      = 1 << 10
)

func (c Config) withDefaults() Config {
	c.Timeout = or(c.Timeout, defaultTimeout)
	c.MaxInFlight = or(c.MaxInFlight, defaultInFlight)
	c.MaxInFlightPerHost = or(c.MaxInFlightPerHost, defaultPerHost)
	c.FanOut = or(c.FanOut, defaultFanOut)
	c.RetryBudget = or(c.RetryBudget, defaultRetryBudget)
	return c
}

func or[T any](live setting.Live[T], otherwise T) setting.Live[T] {
	if live == (setting.Live[T]{}) {
		return setting.NewLive(otherwise)
	}
	return live
}

// Validate names every setting that is wrong.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if timeout := c.Timeout.Get(); timeout < shortestTimeout || timeout > longestTimeout {
		errs = append(errs, fmt.Errorf("CLIENT_TIMEOUT: %s is not between %s and %s", timeout, shortestTimeout, longestTimeout))
	}
	total, perHost := c.MaxInFlight.Get(), c.MaxInFlightPerHost.Get()
	if total < 2 || total > mostInFlight {
		errs = append(errs, fmt.Errorf("CLIENT_MAX_IN_FLIGHT: %d is not between 2 and %d", total, mostInFlight))
	}
	if perHost < 1 || perHost >= total {
		errs = append(errs, fmt.Errorf("CLIENT_MAX_IN_FLIGHT_PER_HOST: %d is not between 1 and one less than CLIENT_MAX_IN_FLIGHT", perHost))
	}
	if fanOut := c.FanOut.Get(); fanOut < 1 || fanOut > mostFanOut {
		errs = append(errs, fmt.Errorf("CLIENT_FAN_OUT: %d is not between 1 and %d", fanOut, mostFanOut))
	}
	if budget := c.RetryBudget.Get(); !(budget >= 0 && budget <= 1) {
		errs = append(errs, fmt.Errorf("CLIENT_RETRY_BUDGET: %v is not between 0 and 1", budget))
	}
	return errors.Join(errs...)
}

// perService is how many requests one service may have under way.
func (c Config) perService() int64 {
	total, perHost := c.MaxInFlight.Get(), c.MaxInFlightPerHost.Get()
	return int64(max(total-perHost, perHost))
}
