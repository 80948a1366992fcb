// Package health answers the two questions an orchestrator asks: does the
// process live, and can it serve now.
//
// /readyz probes every dependency at once, each within two seconds. Only a
// required one that is down makes the answer 503; the others are shown.
package health

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Bound is how long one probe may take.
const Bound = 2 * time.Second

// Check is one dependency.
type Check struct {
	Name     string
	Required bool // 503 while it is down
	// Probe says what is wrong in an error whose text is shown: no secrets,
	// no addresses with credentials. It must end when ctx does.
	Probe func(ctx context.Context) error
}

// State is one dependency in the answer.
type State struct {
	Status   string `json:"status"` // up | down
	Required bool   `json:"required"`
	Detail   string `json:"detail"`
}

// Report is the body of /readyz.
type Report struct {
	Status string           `json:"status"` // ready | not ready
	Checks map[string]State `json:"checks"`
}

// Live answers 200 with the service's name and version as long as the process
// can answer at all: callers also use it to see that they found the right one.
func Live(service, version string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, struct {
			Service string `json:"service"`
			Version string `json:"version"`
		}{service, version})
	})
}

// Ready answers 200 if every required check is up, else 503.
func Ready(checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report := Probe(r.Context(), checks...)
		status := http.StatusOK
		if report.Status != "ready" {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "1")
		}
		write(w, status, report)
	})
}

// Probe runs all checks at once and waits for them, two seconds at most: a
// probe that does not end with its context counts as down and is left behind.
func Probe(ctx context.Context, checks ...Check) Report {
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()

	states := make([]State, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { states[i] = check.state(ctx) })
	}
	wg.Wait()

	report := Report{Status: "ready", Checks: make(map[string]State, len(checks))}
	for i, check := range checks {
		report.Checks[check.Name] = states[i]
		if check.Required && states[i].Status != "up" {
			report.Status = "not ready"
		}
	}
	return report
}

func (c Check) state(ctx context.Context) State {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("the probe failed: %v", p)
			}
		}()
		done <- c.Probe(ctx)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = fmt.Errorf("no answer within %s", Bound)
	}
	if err != nil {
		return State{Status: "down", Required: c.Required, Detail: err.Error()}
	}
	return State{Status: "up", Required: c.Required}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the peer is gone: nobody is left to tell
}
