package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// deploying puts the release on stage, waits until it is ready and has
// answered, and hands the endpoint over to it. What does not get there within
// DeployDeadline is taken off again.
func (l *lead) deploying(ctx context.Context, m understudy.Model) (time.Duration, error) {
	name := understudy.ReleaseName(m.Endpoint, m.Version)
	if m.Release != name || m.Target != understudy.TargetNone || m.DrainingSince != nil || m.Replicas < 1 {
		// Known before it exists. The wish is granted with the attempt: after
		// a failure a person decides.
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
			m.Release, m.Target, m.AutoTried = name, understudy.TargetNone, true
			m.Replicas, m.SleptAt, m.DrainingSince, m.DrainGeneration = 1, nil, nil, 0
		})
		return 0, err
	}
	why, err := l.enter(ctx, m)
	switch {
	case err == nil && why == "":
		return 0, nil
	case ctx.Err() != nil || errors.Is(err, understudy.ErrStale):
		return 0, err
	case permanent(err):
		return l.takeOff(ctx, m, "The release cannot be applied: "+err.Error())
	case err != nil:
		why = err.Error()
	}
	// From the first time that it was applied: before, a database or a cluster
	// may have been away.
	since := m.PhaseSince
	if applied := l.memos.of(modelKey + m.ID).applied; applied.After(since) {
		since = applied
	}
	if l.Now().Sub(since) >= l.DeployDeadline {
		return l.takeOff(ctx, m, fmt.Sprintf("It was not ready within %s: %s", l.DeployDeadline, why))
	}
	if err != nil {
		return 0, err // told by the caller, tried again later and later
	}
	l.note(ctx, m, why)
	return l.Poll / 2, nil
}

// enter takes the next step towards the stage. It returns "" when it took one,
// else what it waits for.
func (l *lead) enter(ctx context.Context, m understudy.Model) (why string, err error) {
	r, err := l.release(m, understudy.ModeServe)
	if err != nil {
		return "", err
	}
	state, err := l.Runtime.State(ctx, r.Name)
	if err != nil {
		return "", err
	}
	m, changed, err := l.apply(ctx, m, r, state)
	switch {
	case err != nil:
		return "", err
	case changed:
		if memo := l.memos.of(modelKey + m.ID); memo.applied.Before(m.PhaseSince) {
			memo.applied = l.Now()
		}
		return waiting(state), nil
	case state.Replicas == 0: // was asleep when it left the stage last
		return waiting(state), l.Runtime.Scale(ctx, r.Name, 1, state.Version)
	}
	addresses := l.Runtime.Ready(r.Name)
	if state.Ready == 0 || len(addresses) == 0 {
		return waiting(state), nil
	}
	if err := l.probe(ctx, addresses[0], m.Name()); err != nil {
		return "", err
	}
	if _, err := l.DB.CutOver(ctx, l.epoch, m); err != nil {
		return "", err
	}
	l.Announce(ctx)
	l.poke(surveyKey) // the one that was replaced drains
	return "", nil
}

func waiting(s understudy.WorkloadState) string {
	if s.Reason != "" {
		return s.Reason
	}
	return "Waits for its pod to be ready."
}

func (l *lead) takeOff(ctx context.Context, m understudy.Model, reason string) (time.Duration, error) {
	if err := l.remove(ctx, m.Release); err != nil {
		return 0, err
	}
	return l.fail(ctx, m, reason, "")
}
