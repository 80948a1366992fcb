package system

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheClientsThatServicesHavePassTheirSuitesAgainstTheRealServicesToo(t *testing.T) {
	for _, client := range []struct{ of, callee string }{{"likes", "pizza"}, {"events", "pizza"}, {"events", "likes"}} {
		t.Run(client.of+" calls "+client.callee, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // it may have to be built
			defer cancel()
			cmd := exec.CommandContext(ctx, "go", "test", "-race", "-count=1", "-v", "-run", "TestWhat/real", "./internal/"+client.callee+"/")
			cmd.Dir, cmd.WaitDelay = filepath.Join(running.Root(), "services", client.of), time.Second
			cmd.Env = append(os.Environ(), "TEST_PIZZA_URL="+setting["PIZZA_URL"], "TEST_LIKES_URL="+setting["LIKES_URL"], "TEST_SERVICE_TOKEN="+setting["OPERATOR_TOKEN"])
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)
			assert.Regexp(t, `--- PASS: \S+/real`, string(output), "the real one was among those it ran against")
		})
	}
}
