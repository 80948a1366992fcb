package system

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

var servers = []string{"postgres", "rabbitmq", "etcd"}

func TestServicesStartedBeforeTheirServersBecomeReadyByThemselves(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, part := range slices.Concat(services, servers) {
		require.NoError(t, running.Stop(ctx, part))
	}
	for _, service := range services {
		waiting, stopWaiting := context.WithTimeout(ctx, 2*time.Second)
		assert.Error(t, running.Start(waiting, service), "%s cannot be ready", service)
		stopWaiting()
		assert.True(t, within(t, patience, func() bool { return health(ctx, service, "/livez") == http.StatusOK }), "%s lives", service)
		assert.Equal(t, http.StatusServiceUnavailable, health(ctx, service, "/readyz"), "%s says that it is not ready", service)
	}
	before := pids(ctx)

	for _, server := range servers {
		require.NoError(t, running.Start(ctx, server))
	}
	for _, service := range services {
		require.NoError(t, running.Wait(ctx, service))
	}

	assert.Equal(t, before, pids(ctx), "without a restart")
	assertConnected(ctx, t)
	TestAPersonSignsUpLikesAttendsAndIsForgottenEverywhere(t)
}

// health returns the status that a service's health page answers with, 0 if it does not answer.
func health(ctx context.Context, service, page string) int {
	answer, err := tizza.Call(ctx, visitor.Anyone{}, http.MethodGet, setting[strings.ToUpper(service)+"_URL"]+page, nil)
	if err != nil {
		return 0
	}
	return answer.Status
}

// pids of the services, by name.
func pids(ctx context.Context) map[string]int {
	pids := map[string]int{}
	for _, state := range running.Status(ctx) {
		for _, service := range services {
			if state.Name == service {
				pids[service] = state.PID
			}
		}
	}
	return pids
}
