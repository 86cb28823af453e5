package lifecycle

import (
	"context"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// curvePoints is how many points of the loss are kept; beyond, every second
// one goes.
const curvePoints = 400

// record takes over what the trainer says of a job.
func record(m *understudy.Model, job understudy.TrainingJob, now time.Time) {
	t := &m.Training
	if job.Step > t.Step {
		t.LossCurve = thin(append(t.LossCurve[:len(t.LossCurve):len(t.LossCurve)], understudy.CurvePoint{Step: job.Step, Value: job.Loss}))
	}
	if last := len(t.EvalLossCurve) - 1; job.EvalLoss > 0 && (last < 0 || t.EvalLossCurve[last].Value != job.EvalLoss) {
		t.EvalLossCurve = append(t.EvalLossCurve[:last+1:last+1], understudy.CurvePoint{Step: job.Step, Value: job.EvalLoss})
	}
	t.Stage, t.Step, t.Steps = job.Stage, job.Step, job.Steps
	t.Loss, t.EvalLoss = job.Loss, job.EvalLoss
	t.TokensPerSecond, t.ETASeconds = job.TokensPerSec, job.ETASeconds
	t.Provider, t.GPU, t.CostUSD, t.StoppedEarly = job.Provider, job.GPU, job.CostUSD, job.StoppedEarly
	now = now.UTC()
	if t.StartedAt == nil && job.State != understudy.JobQueued {
		t.StartedAt = &now
	}
	if t.EndedAt == nil && job.State.Finished() {
		t.EndedAt = &now
	}
}

// learned takes over what the agent says of a training that is done.
func learned(m *understudy.Model, made understudy.Manifest) {
	t := &m.Training
	if len(made.Loss) > 0 {
		t.LossCurve = thin(made.Loss)
	}
	if len(made.EvalLoss) > 0 {
		t.EvalLossCurve = thin(made.EvalLoss)
	}
	if made.Steps > 0 {
		t.Step, t.Steps = made.Steps, max(made.Steps, t.Steps)
	}
	made.Loss, made.EvalLoss = nil, nil
	t.Manifest = made
}

// thin keeps at most curvePoints, the last among them.
func thin(points []understudy.CurvePoint) []understudy.CurvePoint {
	for len(points) > curvePoints {
		var half []understudy.CurvePoint
		for i := (len(points) - 1) % 2; i < len(points); i += 2 {
			half = append(half, points[i])
		}
		points = half
	}
	return points
}

// progress stores and announces how far a job is, at most once a second and
// only where something is new.
func (l *lead) progress(ctx context.Context, m understudy.Model, job understudy.TrainingJob) error {
	next := m
	record(&next, job, l.Now())
	old := m.Training
	same := old.Step == job.Step && old.Stage == job.Stage && m.Reason == job.Waiting && (old.StartedAt == nil) == (next.Training.StartedAt == nil)
	if same || !l.due(m) {
		return nil
	}
	saved, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Training, m.Reason = next.Training, job.Waiting
	})
	if err != nil {
		return err
	}
	l.memos.see(modelKey+m.ID, saved.Generation)
	l.say(ctx, m, "training.progress", fmt.Sprintf("%s: step %d of %d, loss %.3f", m.Name(), job.Step, job.Steps, job.Loss), map[string]any{
		"state": job.State, "stage": job.Stage, "step": job.Step, "steps": job.Steps, "loss": job.Loss, "evalLoss": job.EvalLoss,
		"tokensPerSecond": job.TokensPerSec, "etaSeconds": job.ETASeconds, "costUSD": job.CostUSD, "provider": job.Provider,
	})
	return nil
}
