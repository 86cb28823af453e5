package lifecycle

import (
	"context"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// available waits for a person, unless autoDeploy takes the newest passed
// version, once. A model that is wanted on stage goes when there is a slot.
func (l *lead) available(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if m.Release != "" { // of an evaluation or a deploy that was cut short
		return l.clear(ctx, m)
	}
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	if e.DeletedAt != nil {
		return l.idle(), nil // the endpoint's own look withdraws it
	}
	if m.Target == understudy.TargetDeployed {
		return l.takeStage(ctx, m)
	}
	if !e.AutoDeploy || m.AutoTried || m.Verdict != understudy.VerdictPassed {
		return l.idle(), nil
	}
	siblings, err := l.DB.Models(ctx, understudy.ModelFilter{Endpoint: m.Endpoint, Phases: onTheWay})
	if err != nil {
		return 0, err
	}
	for _, s := range siblings {
		if s.Version > m.Version && s.Verdict == understudy.VerdictPassed {
			return l.idle(), nil // not the newest
		}
	}
	_, err = l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Target, m.AutoTried = understudy.TargetDeployed, true
	})
	return 0, err
}

var onTheWay = []understudy.Phase{understudy.Available, understudy.Deploying, understudy.Deployed}

// takeStage goes to deploying if there is a slot, else says what it waits for.
// One version of an endpoint goes at a time; of two that wait, the newer.
func (l *lead) takeStage(ctx context.Context, m understudy.Model) (time.Duration, error) {
	all, err := l.DB.Models(ctx, understudy.ModelFilter{Phases: onTheWay})
	if err != nil {
		return 0, err
	}
	on := map[string]bool{}
	for _, s := range all {
		if s.Phase != understudy.Available {
			on[s.Endpoint] = true
		}
		switch {
		case s.Endpoint != m.Endpoint || s.ID == m.ID:
		case s.Phase == understudy.Deploying:
			l.note(ctx, m, fmt.Sprintf("Waits until %s is deployed or has failed.", s.Name()))
			return l.Poll, nil
		case s.Phase == understudy.Available && s.Target == understudy.TargetDeployed && s.Version > m.Version:
			_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
				m.Target, m.Reason = understudy.TargetNone, s.Name()+" is newer and goes instead."
			})
			return l.idle(), err
		}
	}
	_, ok, err := l.DB.TakeStage(ctx, l.epoch, m, l.MaxDeployments)
	if err != nil || ok {
		return 0, err
	}
	l.note(ctx, m, fmt.Sprintf("Waits for a slot: %d endpoints have a model on stage and at most %d may (MAX_DEPLOYMENTS). Undeploy one, or raise it.", len(on), l.MaxDeployments))
	return l.Active, nil
}

// clear removes a release that never served a request.
func (l *lead) clear(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if err := l.remove(ctx, m.Release); err != nil {
		return 0, err
	}
	_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Release, m.ReleaseDigest, m.Revision = "", "", 0
		m.Replicas, m.SleptAt, m.DrainingSince, m.DrainGeneration = 0, nil, nil, 0
	})
	return 0, err
}
