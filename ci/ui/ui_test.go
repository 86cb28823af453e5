// Package ui looks at the dashboard with a browser, while a real platform
// trains and serves a small model behind it.
package ui

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// TestTheDashboard starts two platforms, one of which stays empty, and hands
// them to frontend/ui/main.mjs.
func TestTheDashboard(t *testing.T) {
	root := platform.Root(t)
	played, empty := up(t, recording()), up(t, recording())
	settings, err := json.Marshal(map[string]any{
		"played": played, "empty": empty, "program": filepath.Join(root, "bin", "understudy-frontend"),
		"chromium": os.Getenv("CHROMIUM"), "pictures": os.Getenv("PICTURES"), "requests": requests(),
		"unlearnable": string(lines(unlearnable())), "documentation": os.Getenv("DOCS"),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	// It ends in time for the platforms to be ended too.
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Minute))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", "ui/main.mjs")
	cmd.Dir = filepath.Join(root, "frontend")
	cmd.Env = append(os.Environ(), "SETTINGS="+file)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the browser too
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		t.Fatalf("the dashboard's tests: %v", err)
	}
}

// running is a platform as the browser's tests see it.
type running struct {
	Backend  string `json:"backend"`
	Frontend string `json:"frontend"`
	Admin    string `json:"admin"`
}

func up(t *testing.T, recorded []byte) running {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "recording.jsonl"), recorded, 0o600); err != nil {
		t.Fatal(err)
	}
	p := platform.Up(t, data, "RUNPOD_API_KEY=", "RUNPOD_API_KEY_FILE=") // a training fails for want of it
	var state struct{ Frontend string }
	b, err := os.ReadFile(filepath.Join(data, "platform.json"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	return running{Backend: p.Backend, Frontend: state.Frontend, Admin: p.Admin}
}
