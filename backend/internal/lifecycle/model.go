package lifecycle

import (
	"context"
	"errors"
	"time"

	understudy "understudy.dev/backend"
)

// model looks at a model, takes at most one step and says when to look again:
// 0 is at once.
func (l *lead) model(ctx context.Context, id string) (time.Duration, error) {
	m, err := l.DB.Model(ctx, id)
	if understudy.CodeOf(err) == understudy.NotFound {
		l.memos.forget(modelKey + id)
		return never, nil
	}
	if err != nil {
		return 0, err
	}
	l.memos.see(modelKey+id, m.Generation)
	m, again, err := l.bills(ctx, m)
	if err != nil {
		return 0, err
	}
	wait, err := l.step(ctx, m)
	if again != never && (wait == never || wait > again) {
		wait = again
	}
	if err != nil && (m.Phase.Active() || m.Phase == understudy.Deployed) && ctx.Err() == nil && !errors.Is(err, understudy.ErrStale) {
		l.note(ctx, m, sentence(err))
	}
	return wait, err
}

// sentence says what is waited for.
func sentence(err error) string { return "Waits, and tries again: " + err.Error() + "." }

// note stores why nothing moves, where it is not stored yet. It is no step:
// failing to say so changes nothing.
func (l *lead) note(ctx context.Context, m understudy.Model, reason string) {
	if m.Reason == reason {
		return
	}
	if saved, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.Reason = reason }); err == nil {
		l.memos.see(modelKey+m.ID, saved.Generation)
	}
}

func (l *lead) step(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if l.mustDrain(m) {
		return l.drain(ctx, m)
	}
	switch m.Phase {
	case understudy.Training:
		return l.training(ctx, m)
	case understudy.Downloading:
		return l.downloading(ctx, m)
	case understudy.LLMEvaluation:
		return l.evaluation(ctx, m)
	case understudy.Available:
		return l.available(ctx, m)
	case understudy.Deploying:
		return l.deploying(ctx, m)
	case understudy.Deployed:
		return l.deployed(ctx, m)
	case understudy.Failed:
		return l.failed(ctx, m)
	case understudy.Retired:
		return l.retired(ctx, m)
	}
	return never, nil
}

// fail ends the phase with a reason that a user can act on. A person's retry
// goes back to the phase that failed, or to retry where that is named.
func (l *lead) fail(ctx context.Context, m understudy.Model, reason string, retry understudy.Phase) (time.Duration, error) {
	return l.failWith(ctx, m, reason, retry, func(*understudy.Model) {})
}

// failJob is fail for a training that failed: what it cost is kept.
func (l *lead) failJob(ctx context.Context, m understudy.Model, job understudy.TrainingJob, reason string, retry understudy.Phase) (time.Duration, error) {
	return l.failWith(ctx, m, reason, retry, func(m *understudy.Model) { record(m, job, l.Now()) })
}

func (l *lead) failWith(ctx context.Context, m understudy.Model, reason string, retry understudy.Phase, mutate func(*understudy.Model)) (time.Duration, error) {
	_, err := l.DB.Move(ctx, l.epoch, m, understudy.Failure, func(m *understudy.Model) {
		mutate(m)
		m.Reason = reason
		m.Release, m.ReleaseDigest, m.Revision = "", "", 0
		if retry != "" {
			m.FailedPhase = retry
		}
	})
	return 0, err
}

// permanent reports whether trying again would not help.
func permanent(err error) bool {
	switch understudy.CodeOf(err) {
	case understudy.Invalid, understudy.TooLarge, understudy.Conflict:
		return !errors.Is(err, understudy.ErrStale)
	}
	return false
}

// say appends an event of its own; losing one loses a line in the diary.
func (l *lead) say(ctx context.Context, m understudy.Model, kind, message string, data map[string]any) {
	_ = l.DB.AppendEvent(ctx, understudy.Event{
		At: l.Now().UTC(), Kind: kind, Endpoint: m.Endpoint, ModelID: m.ID, Message: message, Data: data,
	})
}

// due reports whether progress may be said again: at most once a second.
func (l *lead) due(m understudy.Model) bool {
	memo, now := l.memos.of(modelKey+m.ID), l.Now()
	if now.Sub(memo.said) < time.Second {
		return false
	}
	memo.said = now
	return true
}
