package lifecycle

import (
	"context"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// baseSample is on how many prompts the untrained base is tried.
const baseSample = 50

// evaluation lets a batch release answer the frozen eval prompts, has the
// answers scored, and ends with the verdict. The release is gone before the
// scores are looked at.
func (l *lead) evaluation(ctx context.Context, m understudy.Model) (time.Duration, error) {
	// The state comes first: a job that had succeeded before the prompts were
	// counted has answered all that it ever will.
	name := understudy.EvaluationReleaseName(m.Endpoint, m.Version, m.Attempt)
	state, err := l.Runtime.State(ctx, name)
	if err != nil {
		return 0, err
	}
	_, total, remaining, err := l.DB.EvalPrompts(ctx, m.ID, m.Attempt, 0, 1)
	if understudy.CodeOf(err) == understudy.NotFound {
		err = l.DB.StartEvaluation(ctx, l.epoch, m.ID, m.Attempt, baseSample)
		if permanent(err) { // no eval pairs at all: the gate says so
			return l.verdict(ctx, m)
		}
		return 0, err
	}
	switch {
	case err != nil:
		return 0, err
	case remaining > 0:
		return l.answers(ctx, m, name, state, total, remaining)
	case m.Release != "":
		if err := l.remove(ctx, m.Release); err != nil {
			return 0, err
		}
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
			m.Release, m.ReleaseDigest, m.Revision, m.Reason = "", "", 0, ""
		})
		return 0, err
	}
	return l.scores(ctx, m)
}

// answers keeps the batch release going until every prompt has its answer.
func (l *lead) answers(ctx context.Context, m understudy.Model, name string, state understudy.WorkloadState, total, remaining int) (time.Duration, error) {
	if m.Release != name { // known before it exists, so that no sweep takes it for a stray
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
			m.Release, m.ReleaseDigest, m.Revision = name, "", 0
		})
		return 0, err
	}
	switch {
	case state.Failed:
		return l.giveUp(ctx, m, "The evaluation run failed: "+state.Reason)
	case state.Succeeded:
		return l.giveUp(ctx, m, fmt.Sprintf("The evaluation run ended with %d of %d prompts unanswered. Retry runs it again.", remaining, total))
	}
	r, err := l.release(m, understudy.ModeBatch)
	if err != nil {
		return l.giveUp(ctx, m, err.Error())
	}
	m, changed, err := l.apply(ctx, m, r, state)
	switch {
	case permanent(err):
		return l.giveUp(ctx, m, err.Error())
	case err != nil || changed:
		return l.Poll, err
	}

	stalled := l.memos.of(modelKey+m.ID).exam.idle(m.Attempt, remaining, l.Now(), l.EvaluationStall/10)
	if stalled > l.EvaluationStall {
		return l.giveUp(ctx, m, fmt.Sprintf("No prompt was answered for %s; %d of %d are left. %s", stalled.Round(time.Second), remaining, total, state.Reason))
	}
	if l.due(m) {
		l.note(ctx, m, state.Reason)
		l.say(ctx, m, "evaluation.progress", fmt.Sprintf("%s: %d of %d prompts answered", m.Name(), total-remaining, total),
			map[string]any{"answered": total - remaining, "total": total, "attempt": m.Attempt})
	}
	return l.Poll, nil
}

// giveUp fails an evaluation; its release goes first.
func (l *lead) giveUp(ctx context.Context, m understudy.Model, reason string) (time.Duration, error) {
	if m.Release != "" {
		if err := l.remove(ctx, m.Release); err != nil {
			return 0, err
		}
	}
	return l.fail(ctx, m, reason, "")
}
