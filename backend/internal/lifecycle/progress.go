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

// record takes over what the trainer says of a job. Another attempt's training
// begins a record of its own; what the earlier ones cost stays.
func record(m *understudy.Model, job understudy.TrainingJob, now time.Time) {
	t := &m.Training
	if attempt := understudy.JobAttempt(job.ID); t.Attempt != attempt {
		if t.Attempt != 0 {
			*t = understudy.TrainingRecord{Rentals: t.Rentals}
		}
		t.Attempt = attempt
	}
	t.Account(job, now)
	if job.Step > t.Step {
		t.LossCurve = thin(append(t.LossCurve[:len(t.LossCurve):len(t.LossCurve)], understudy.CurvePoint{Step: job.Step, Value: job.Loss}))
	}
	if last := len(t.EvalLossCurve) - 1; job.EvalLoss > 0 && (last < 0 || t.EvalLossCurve[last].Value != job.EvalLoss) {
		t.EvalLossCurve = append(t.EvalLossCurve[:last+1:last+1], understudy.CurvePoint{Step: job.Step, Value: job.EvalLoss})
	}
	if last := len(t.EvalExactCurve) - 1; job.EvalExact > 0 && (last < 0 || t.EvalExactCurve[last].Value != job.EvalExact) {
		t.EvalExactCurve = append(t.EvalExactCurve[:last+1:last+1], understudy.CurvePoint{Step: job.Step, Value: job.EvalExact})
	}
	t.Stage, t.Step, t.Steps = job.Stage, job.Step, job.Steps
	t.EvalExact, t.BestStep, t.ResumedStep, t.GPUUse, t.Notes = job.EvalExact, job.BestStep, job.ResumedStep, job.GPUUse, job.Notes
	t.Loss, t.EvalLoss = job.Loss, job.EvalLoss
	t.TokensPerSecond, t.ETASeconds = job.TokensPerSec, job.ETASeconds
	t.Provider, t.GPU, t.StoppedEarly = job.Provider, job.GPU, job.StoppedEarly
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
	if len(made.EvalExact) > 0 {
		t.EvalExactCurve = thin(made.EvalExact)
	}
	if made.Steps > 0 {
		t.Step, t.Steps = made.Steps, max(made.Steps, t.Steps)
	}
	if made.BestStep > 0 {
		t.BestStep = made.BestStep
	}
	made.Loss, made.EvalLoss, made.EvalExact = nil, nil, nil
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
	same := old.Attempt == next.Training.Attempt && old.Step == job.Step && old.Stage == job.Stage && m.Reason == job.Waiting &&
		(old.StartedAt == nil) == (next.Training.StartedAt == nil) && machines(old) == machines(next.Training)
	if same && !l.costly(m, next) || !l.due(m) {
		return nil
	}
	saved, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Training, m.Reason = next.Training, job.Waiting
	})
	if err != nil {
		return err
	}
	l.memos.see(modelKey+m.ID, saved.Generation)
	if same {
		return nil
	}
	usd, billed := saved.Training.CostUSD()
	l.say(ctx, m, "training.progress", fmt.Sprintf("%s: step %d of %d, loss %.3f", m.Name(), job.Step, job.Steps, job.Loss), map[string]any{
		"state": job.State, "stage": job.Stage, "step": job.Step, "steps": job.Steps, "loss": job.Loss, "evalLoss": job.EvalLoss,
		"tokensPerSecond": job.TokensPerSec, "etaSeconds": job.ETASeconds, "costUSD": usd, "billed": billed, "provider": job.Provider,
		"evalExact": job.EvalExact, "bestStep": job.BestStep, "gpuUtilization": job.GPUUse.Utilization,
	})
	return nil
}

func machines(t understudy.TrainingRecord) (n int) {
	for _, r := range t.Rentals {
		n += r.Machines
	}
	return n
}

// costly reports whether the cost so far is worth storing although the training
// itself has nothing new: a machine is paid for while it comes up, too.
func (l *lead) costly(m, next understudy.Model) bool {
	was, _ := m.Training.CostUSD()
	is, _ := next.Training.CostUSD()
	return is != was && l.Now().Sub(l.memos.of(modelKey+m.ID).said) >= costEvery
}

const costEvery = 10 * time.Second
