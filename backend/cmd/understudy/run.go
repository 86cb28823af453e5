package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/evaluatorclient"
	"understudy.dev/backend/internal/play"
	"understudy.dev/backend/internal/supervisor"
	"understudy.dev/backend/internal/wire"
	"understudy.dev/service/env"
)

// runFlags are what `understudy run` can be told.
type runFlags struct {
	ports      supervisor.Ports
	data       string
	report     string
	seed       uint64
	trainPairs int
	maxSteps   int
	timeout    time.Duration
	provider   string
}

func (a *app) runCommand() *cobra.Command {
	f := runFlags{ports: supervisor.DefaultPorts}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Play the main job from the first request to the small model on stage, and report",
		Long: `Plays an application against a platform of its own, act by act: the LLM answers
and is captured; a small model is trained on the pairs; it is examined on
requests that it never saw; it is released with Helm; it answers new requests.

Without OPENAI_API_KEY the LLM is a replay of recorded answers. Exit status: 0
the small model served, 2 the gate refused it, 1 something failed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.trainPairs == 0 {
				f.trainPairs = shopPairs
				if f.data != "" {
					f.trainPairs = dataPairs
				}
			}
			return a.run(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "", "your own conversations, in OpenAI's fine-tuning format (JSONL)")
	fl.StringVar(&f.report, "report", "", "write the report to this file, as JSON")
	fl.Uint64Var(&f.seed, "seed", 1, "other bundled conversations")
	fl.IntVar(&f.trainPairs, "train-pairs", 0, fmt.Sprintf("the most pairs to train on (default %d, of --data %d)", shopPairs, dataPairs))
	fl.IntVar(&f.maxSteps, "max-steps", 0, "the most training steps (0 = as the data asks for)")
	fl.DurationVar(&f.timeout, "timeout", time.Hour, "give up after this time")
	fl.StringVar(&f.provider, "provider", "local", "where it is trained: local, static, or runpod: a rented GPU with RUNPOD_API_KEY, else a simulation of RunPod on this machine")
	portFlags(cmd, &f.ports)
	return cmd
}

const (
	shopPairs = 760  // what two cores learn in three minutes, and well whatever the seed
	dataPairs = 1000 // nobody knows how hard the user's own are
)

// firstToken is longer than an endpoint's default: the model shares this
// machine's cores with whatever else runs here.
const firstToken = 5 * time.Second

// playedMarker is in a data directory that a play made and may make anew.
const playedMarker = "made-by-run"

func (a *app) run(ctx context.Context, f runFlags) error {
	plan, err := planOf(f)
	if err != nil {
		return err
	}
	if f.report != "" {
		if err := play.CheckWritable(f.report); err != nil {
			return err
		}
	}
	upstream, model, teacher := config.ReplayUpstream, config.ReplayModel, "replay"
	if os.Getenv("OPENAI_API_KEY") != "" || os.Getenv("OPENAI_API_KEY_FILE") != "" {
		upstream, model, teacher = "openai", envOr("OPENAI_MODEL", "gpt-4o-mini"), "live"
	}
	if err := a.freshDataDir(); err != nil {
		return err
	}
	if teacher == "replay" {
		if err := play.Record(filepath.Join(a.dataDir, recordingFile), plan.All()); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	simulated := f.provider == "runpod" && os.Getenv("RUNPOD_API_KEY") == "" && os.Getenv("RUNPOD_API_KEY_FILE") == ""
	p, err := a.startPlatform(ctx, supervisor.Options{Ports: f.ports, Provider: f.provider, SimulateRunPod: simulated})
	if err != nil {
		return err
	}
	defer p.Close()
	service := env.Secret(a.secret(supervisor.ServiceTokenFile))
	report, err := play.Run(ctx, play.Options{
		API: client.New(p.State.Backend, a.secret(supervisor.AdminKeyFile)), Gateway: p.State.Backend + "/v1", Key: a.secret(supervisor.ClientKeyFile),
		Plan: plan, Teacher: teacher, Parallel: map[string]int{"replay": 64, "live": 8}[teacher], Display: play.NewDisplay(a.out),
		Endpoint: endpointOf(f, upstream, model),
		Scorer:   evaluatorclient.New(p.State.Evaluator, service, evaluatorclient.MaxBatch),
		Provider: f.provider, Simulation: p.State.RunPod,
	})
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = fmt.Errorf("ended before the play did: %w", cause)
	}
	return a.finish(f, p, report, err)
}

func planOf(f runFlags) (play.Plan, error) {
	if f.data == "" {
		return play.ShopPlan(f.seed), nil
	}
	list, err := play.Load(f.data)
	if err != nil {
		return play.Plan{}, err
	}
	return play.DataPlan(list), nil
}

func endpointOf(f runFlags, upstream, model string) wire.EndpointInput {
	name := "shop"
	if f.data != "" {
		name = "mine"
	}
	off, never, patience := false, 0.0, firstToken.Seconds()
	min := min(200, f.trainPairs)
	in := wire.EndpointInput{
		Name: name, Upstream: &upstream, UpstreamModel: &model, MinTrainPairs: &min, MaxTrainPairs: &f.trainPairs,
		// The play says itself when the training starts, and the last act's
		// pairs shall not start another.
		AutoTrain: &off, ScaleToZeroAfterSeconds: &never, SLMFirstTokenTimeoutSeconds: &patience,
	}
	switch {
	case f.maxSteps > 0:
		in.Hyperparameters = &understudy.Hyperparameters{MaxSteps: f.maxSteps}
	case f.data == "": // each pair once: what two cores can do while somebody watches
		in.Hyperparameters = &understudy.Hyperparameters{Epochs: 1}
	}
	return in
}

// finish writes the report and says how to go on.
func (a *app) finish(f runFlags, p *supervisor.Platform, r play.Report, err error) error {
	refused := errors.Is(err, play.ErrRefused)
	if f.report != "" && (err == nil || refused) {
		if werr := r.Write(f.report); werr != nil {
			return werr
		}
	}
	if err != nil && !refused {
		return fmt.Errorf("%w\nThe logs are in %s", err, filepath.Join(a.dataDir, "logs"))
	}
	r.Print(a.out)
	if cerr := p.Close(); cerr != nil {
		return cerr
	}
	if refused {
		fmt.Fprintf(a.out, "\nThe gate refused the model, so the LLM goes on answering. The state stays; open it again with:\n%s\n", a.upAgain())
		return exitCode(2)
	}
	fmt.Fprintf(a.out, "\nOpen the trained state again, and ask it something (understudy ask %s \"…\"), with:\n%s\n", endpointOf(f, "", "").Name, a.upAgain())
	return nil
}

func (a *app) upAgain() string {
	if wd, err := os.Getwd(); err == nil && a.dataDir == filepath.Join(wd, ".understudy") {
		return "make up"
	}
	return "understudy up --data-dir " + a.dataDir
}

// freshDataDir empties the data directory of an earlier play, and refuses one
// that holds anything else.
func (a *app) freshDataDir() error {
	entries, err := os.ReadDir(a.dataDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	marker := filepath.Join(a.dataDir, playedMarker)
	if len(entries) > 0 {
		if _, err := os.Stat(marker); err != nil {
			return fmt.Errorf("%s holds data that no play made; choose another with --data-dir", a.dataDir)
		}
		if err := supervisor.CheckFree(a.dataDir); err != nil {
			return err
		}
		if err := os.RemoveAll(a.dataDir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(a.dataDir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte("`understudy run` made this folder and may make it anew.\n"), 0o600)
}
