package drive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"understudy.dev/service/fetch"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
)

type agentClient = *agent.Client

// fromAgent watches the agent until it is done and pulls what it made.
func (r *run) fromAgent(ctx context.Context) error {
	status, err := r.watch(ctx)
	if err != nil {
		return err
	}
	if err := trainer.CheckArtifacts(status.Artifacts); err != nil {
		return err
	}
	// The list is kept before the first byte is pulled: after a restart it
	// tells what is here already.
	err = r.move(trainer.Downloading, func(rec *trainer.Record) {
		rec.Job.Progress, rec.Job.Artifacts, rec.Job.StoppedEarly = status.Progress, status.Artifacts, status.StoppedEarly
	})
	if err != nil {
		return err
	}
	for _, a := range status.Artifacts {
		if err := r.pull(ctx, a); err != nil {
			return err
		}
	}
	return r.verify(r.record())
}

// watch polls until the agent has finished this job.
func (r *run) watch(ctx context.Context) (agent.Status, error) {
	var sign string
	seen := time.Now()
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	for {
		status, err := r.client.Status(ctx)
		if err := r.heard(ctx, err); err != nil {
			return status, err
		}
		if status.JobID != r.id {
			return status, fmt.Errorf("the agent has lost the job; it is handed over again")
		}
		switch status.State {
		case agent.Done:
			return status, nil
		case agent.Failed:
			return status, trainer.Errorf(trainer.Broken, "%s", cmp.Or(status.Error, "The agent failed without a reason. Its log is "+r.Store.Log(r.id)+"."))
		case agent.Cancelled:
			return status, trainer.Errorf(trainer.Broken, "The training was cancelled at the agent. Start a new job.")
		case agent.Idle:
			return status, fmt.Errorf("the agent has forgotten the training; it is ordered again")
		}
		if err := r.report(status); err != nil {
			return status, err
		}
		if s := fmt.Sprint(status.BootID, status.HeartbeatMs, status.Progress.Step); s != sign {
			sign, seen = s, time.Now()
		} else if time.Since(seen) > r.Stall {
			return status, errors.Join(fmt.Errorf("the agent has shown no sign of life for %s", r.Stall), r.replace(ctx))
		}
		select {
		case <-ctx.Done():
			return status, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// report passes on what the agent says, where it is news.
func (r *run) report(status agent.Status) error {
	if far := distance(status); far > r.best {
		r.best, r.strikes = far, 0
	}
	rec := r.record()
	if rec.Job.State == trainer.Training && rec.Job.Progress == status.Progress && rec.Job.Waiting == "" {
		return nil
	}
	err := r.move(trainer.Training, func(rec *trainer.Record) {
		rec.Job.Progress, rec.Job.Waiting = status.Progress, ""
	})
	if trainer.CodeOf(err) == trainer.NoSpace {
		slog.Warn("progress not saved", "job", r.id, "error", err)
		return nil // training goes on; memory has it
	}
	return err
}

// distance orders how far a training is.
func distance(s agent.Status) int64 {
	stage := map[agent.State]int64{agent.Loading: 1, agent.Training: 2, agent.Converting: 3}[s.State]
	return stage<<32 + int64(s.Progress.Step)
}

// pull fetches one artefact into the store.
func (r *run) pull(ctx context.Context, a trainer.Artifact) error {
	if r.Store.Has(a) {
		return nil
	}
	err := r.client.Fetch(ctx, a, r.Store.Artifact(a.SHA256))
	if errors.Is(err, fetch.ErrChecksum) {
		r.strikes++
		return fmt.Errorf("the agent's file %s is not what it announced: %w", a.Name, err)
	}
	if err := r.heard(ctx, err); err != nil {
		return trainer.Explain(fmt.Errorf("pull %s: %w", a.Name, err), r.Store.Artifact(""))
	}
	if !r.Store.Has(a) {
		r.strikes++
		return fmt.Errorf("the agent's file %s has not the %d bytes announced", a.Name, a.Size)
	}
	return nil
}

// complete reports whether everything that the agent announced is here.
func (r *run) complete(rec trainer.Record) bool {
	if rec.Job.State != trainer.Downloading || len(rec.Job.Artifacts) == 0 {
		return false
	}
	for _, a := range rec.Job.Artifacts {
		if !r.Store.Has(a) {
			return false
		}
	}
	return r.verify(rec) == nil
}

// verify reads the manifest and holds it against the job.
func (r *run) verify(rec trainer.Record) error {
	for _, a := range rec.Job.Artifacts {
		if a.Name != trainer.ManifestFile {
			continue
		}
		b, err := os.ReadFile(r.Store.Artifact(a.SHA256))
		if err != nil {
			return fmt.Errorf("read the manifest: %w", err)
		}
		made, err := trainer.ReadManifest(b, rec.Spec, rec.Job.Artifacts)
		if err == nil {
			facts := made.Facts()
			r.trained = &facts
		}
		return err
	}
	return trainer.CheckArtifacts(rec.Job.Artifacts)
}

// abandon tells an agent that is not ours to drop the job. Whether it hears is
// its own matter.
func abandon(ctx context.Context, rec trainer.Record) {
	client := agent.New(rec.Agent.URL, rec.Agent.Token)
	status, err := client.Status(ctx)
	if err != nil || status.JobID != rec.Job.ID {
		return
	}
	if err := client.Cancel(ctx); err != nil {
		slog.Warn("the agent did not drop the job", "job", rec.Job.ID, "error", err)
	}
}
