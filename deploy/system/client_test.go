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

func TestAClientInAnotherLanguageMadeFromTheServedDocumentsCompletesTheStory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // npm may have to download
	defer cancel()
	folder := t.TempDir()
	copyFiles(t, filepath.Join(running.Root(), "deploy", "client"), folder)

	npm(ctx, t, folder, "ci")
	story := npm(ctx, t, folder, "start", "--silent")

	assert.Contains(t, story, "erasure complete")
}

// copyFiles copies what is directly in a folder; the folders in it are what the client has made there before.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(from, entry.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, entry.Name()), content, 0o600))
	}
}

// npm runs npm with the addresses of the running system, and returns what it printed.
func npm(ctx context.Context, t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir, cmd.Env = folder, os.Environ()
	for name, value := range setting {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// What npm has started keeps the output open after npm itself has been killed.
	cmd.WaitDelay = time.Second
	output, err := cmd.CombinedOutput()
	t.Logf("npm %s:\n%s", args[0], output)
	require.NoError(t, err, "npm %s", args[0])
	return string(output)
}
