package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	understudy "understudy.dev/backend"
)

// bills completes what a model's trainings cost: a provider's bill comes after
// the machine's end and may change for hours. It returns the model as saved,
// and when to ask again, never where nothing is open. The model's own work does
// not wait for a trainer that does not answer.
func (l *lead) bills(ctx context.Context, m understudy.Model) (understudy.Model, time.Duration, error) {
	open := unsettled(m)
	if len(open) == 0 {
		return m, never, nil
	}
	memo, now := l.memos.of(modelKey+m.ID), l.Now()
	pause := l.billPause(open, now)
	if asked := now.Sub(memo.billed); asked < pause && !leaving(m) {
		return m, pause - asked, nil
	}
	memo.billed = now
	t, news := m.Training, false
	for _, r := range open {
		news = l.bill(ctx, m, r, &t) || news
	}
	if !news {
		return m, pause, nil
	}
	saved, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.Training.Rentals = t.Rentals })
	if err != nil {
		return m, 0, err
	}
	l.memos.see(modelKey+m.ID, saved.Generation)
	before, was := m.Training.CostUSD()
	if usd, billed := t.CostUSD(); billed && (!was || usd != before) {
		l.say(ctx, m, "training.billed", fmt.Sprintf("%s: training cost $%.4f by the bill, $%.4f by price and time", m.Name(), usd, reckoned(t)),
			map[string]any{"costUSD": usd, "estimateUSD": reckoned(t)})
	}
	return saved, pause, nil
}

// bill asks the trainer for one training's account; it reports whether there
// was news. A job that is gone leaves what was known of it.
func (l *lead) bill(ctx context.Context, m understudy.Model, r understudy.Rental, t *understudy.TrainingRecord) bool {
	job, err := l.Trainer.Get(ctx, understudy.JobName(m.ID, r.Attempt))
	switch {
	case understudy.CodeOf(err) == understudy.NotFound:
		return t.Settle(r.Attempt)
	case err != nil:
		slog.Warn("the bill of a training cannot be read; it is asked for again", "model", m.Name(), "attempt", r.Attempt, "error", err)
		return false
	}
	return t.Account(job, l.Now())
}

// unsettled are the rentals whose cost may change and that the training's
// progress does not tell of.
func unsettled(m understudy.Model) (open []understudy.Rental) {
	trains := m.Phase == understudy.Training || m.Phase == understudy.Downloading
	for _, r := range m.Training.Rentals {
		if !r.Settled && !(trains && r.Attempt == m.Training.Attempt) {
			open = append(open, r)
		}
	}
	return open
}

// leaving reports whether the trainer is about to be told to forget the jobs:
// then their accounts are asked for once more, whenever that was done last.
func leaving(m understudy.Model) bool { return m.Phase == understudy.Retired && !buried(m) }

// billPause grows with the time that the last machine is gone: a bill that did
// not come in seconds comes in hours.
func (l *lead) billPause(open []understudy.Rental, now time.Time) time.Duration {
	last := time.Duration(-1)
	for _, r := range open {
		ago := time.Duration(0)
		if r.EndedAt != nil {
			ago = now.Sub(*r.EndedAt)
		}
		if last < 0 || ago < last {
			last = ago
		}
	}
	return min(max(last/10, l.Poll), l.Idle)
}

func reckoned(t understudy.TrainingRecord) (sum float64) {
	for _, r := range t.Rentals {
		sum += r.Reckoned
	}
	return sum
}
