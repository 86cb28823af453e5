package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/supervisor"
	"understudy.dev/backend/internal/wire"
)

// recordingFile is what the replay teacher answers from, in the data directory.
const recordingFile = "recording.jsonl"

func (a *app) upCommand() *cobra.Command {
	ports := supervisor.DefaultPorts
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the platform on this machine, with the models that its data directory holds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.startPlatform(cmd.Context(), supervisor.Options{Ports: ports})
			if err != nil {
				return err
			}
			defer p.Close()
			if err := a.welcome(cmd.Context(), p.State); err != nil {
				return err
			}
			<-cmd.Context().Done()
			fmt.Fprintln(a.out, "\nending …")
			return p.Close()
		},
	}
	portFlags(cmd, &ports)
	return cmd
}

func portFlags(cmd *cobra.Command, p *supervisor.Ports) {
	f := cmd.Flags()
	f.IntVar(&p.Backend, "backend-port", p.Backend, "the backend's port on 127.0.0.1 (0 = any)")
	f.IntVar(&p.Evaluator, "evaluator-port", p.Evaluator, "the evaluator's port (0 = any)")
	f.IntVar(&p.Trainer, "trainer-port", p.Trainer, "the trainer's port (0 = any)")
	f.IntVar(&p.Frontend, "frontend-port", p.Frontend, "the frontend's port (0 = any)")
}

// startTimeout is generous: a first start loads the sentence model while other
// programs may keep both cores busy.
const startTimeout = 2 * time.Minute

// startPlatform starts local mode and waits until it is ready; the client key
// is made known.
func (a *app) startPlatform(ctx context.Context, o supervisor.Options) (*supervisor.Platform, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	recording := filepath.Join(a.dataDir, recordingFile)
	if _, err := os.Stat(recording); err != nil {
		recording = ""
	}
	o.DataDir, o.Home, o.ModelsDir = a.dataDir, envOr("UNDERSTUDY_HOME", dir), envOr("MODELS_DIR", filepath.Join(config.CacheDir(), "models"))
	o.Recording, o.Log = recording, slog.New(slog.NewTextHandler(a.logFile(), nil))
	p, err := supervisor.Start(o)
	if err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.Ready(ready); err != nil {
		p.Close()
		return nil, err
	}
	if err := a.ensureClientKey(ctx, p.State.Backend); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (a *app) logFile() io.Writer {
	if err := os.MkdirAll(filepath.Join(a.dataDir, "logs"), 0o700); err != nil {
		return a.err
	}
	f, err := os.OpenFile(filepath.Join(a.dataDir, "logs", "supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return a.err
	}
	return f
}

// ensureClientKey makes the first client key and keeps it in the data directory.
func (a *app) ensureClientKey(ctx context.Context, backend string) error {
	if a.secret(supervisor.ClientKeyFile) != "" {
		return nil
	}
	key, err := client.New(backend, a.secret(supervisor.AdminKeyFile)).CreateKey(ctx, wire.KeyInput{Name: "first"})
	if err != nil {
		return fmt.Errorf("make the first client key: %w", err)
	}
	return os.WriteFile(filepath.Join(a.dataDir, supervisor.ClientKeyFile), []byte(key.Secret+"\n"), 0o600)
}

// welcome tells what runs where, and waits for models on stage to be ready.
func (a *app) welcome(ctx context.Context, s supervisor.State) error {
	api := client.New(s.Backend, a.secret(supervisor.AdminKeyFile))
	endpoints, err := api.Endpoints(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, `Understudy is up.
  OpenAI API   %s/v1          (key: %s)
  API docs     %s/docs
  frontend     %s
  data         %s
`, s.Backend, filepath.Join(a.dataDir, supervisor.ClientKeyFile), s.Backend, s.Frontend, a.dataDir)
	for _, e := range endpoints {
		fmt.Fprintf(a.out, "  try          understudy ask --data-dir %s %s \"…\"\n", a.dataDir, e.Name)
	}
	if len(endpoints) == 0 {
		fmt.Fprintf(a.out, "  next         understudy endpoints create NAME --model gpt-4o-mini   (needs OPENAI_API_KEY)\n")
	}
	fmt.Fprintln(a.out, "Ctrl-C ends it.")
	return nil
}
