package lifecycle

import (
	"context"
	"log/slog"
	"time"

	understudy "understudy.dev/backend"
)

// downloading waits until the trainer has pulled and verified what training
// made. A retry finds the adapter of an earlier attempt.
func (l *lead) downloading(ctx context.Context, m understudy.Model) (time.Duration, error) {
	job, err := l.Trainer.Get(ctx, understudy.JobName(m.ID, m.Attempt))
	if understudy.CodeOf(err) == understudy.NotFound {
		var found bool
		job, found, err = l.earlier(ctx, m)
		if err == nil && !found {
			return l.fail(ctx, m, "The trainer no longer has the job or its adapter. Retry trains it again.", understudy.Training)
		}
	}
	if err != nil {
		return 0, err
	}
	switch {
	case job.Adapter():
		made := l.manifest(ctx, job)
		_, err := l.DB.Move(ctx, l.epoch, m, understudy.Progress, func(m *understudy.Model) {
			record(m, job, l.Now())
			learned(m, made)
			m.Artifacts, m.Reason = job.Artifacts, ""
		})
		return 0, err
	case job.State == understudy.JobSucceeded:
		return l.failJob(ctx, m, job, "The training ended without an adapter. Retry trains it again.", understudy.Training)
	case job.State.Finished():
		// nothing of a failed job is left at the trainer
		return l.failJob(ctx, m, job, job.Error, understudy.Training)
	}
	return l.Poll, l.progress(ctx, m, job)
}

// manifest reads what the agent wrote of the training. It is for people: a
// model without a readable one serves all the same.
func (l *lead) manifest(ctx context.Context, job understudy.TrainingJob) understudy.Manifest {
	for _, a := range job.Artifacts {
		if a.Name != understudy.ArtifactManifest {
			continue
		}
		made, err := l.Trainer.Manifest(ctx, a.SHA256)
		if err == nil {
			return made
		}
		slog.Warn("the manifest of a training cannot be read", "job", job.ID, "error", err)
	}
	return understudy.Manifest{}
}
