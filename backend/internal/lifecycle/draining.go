package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// mustDrain reports whether the model has left the stage and its release still
// stands, perhaps serving what replicas sent it by older routes.
func (l *lead) mustDrain(m understudy.Model) bool {
	return m.Phase != understudy.Deploying && m.Phase != understudy.Deployed &&
		m.Release != "" && m.Release == understudy.ReleaseName(m.Endpoint, m.Version)
}

// drain removes the release when every live replica routes by what came after
// the model left, and the longest request that one may have begun before then
// is over.
func (l *lead) drain(ctx context.Context, m understudy.Model) (time.Duration, error) {
	now := l.Now().UTC()
	if m.DrainingSince == nil { // undeployed or withdrawn; a replaced one was marked when it was
		generation, err := l.DB.RouteGeneration(ctx) // not before the one that took it off
		if err != nil {
			return 0, err
		}
		_, err = l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
			m.DrainingSince, m.DrainGeneration = &now, generation
		})
		l.Announce(ctx)
		return 0, err
	}
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	longest := max(e.SLMFirstTokenTimeout, e.SLMTotalTimeout) + l.DrainGrace
	if left := longest - now.Sub(*m.DrainingSince); left > 0 {
		return min(left, l.Active), nil
	}
	live, err := l.DB.LiveReplicas(ctx, now)
	if err != nil {
		return 0, err
	}
	for _, r := range live {
		if r.RouteGeneration < m.DrainGeneration {
			return l.Poll, nil
		}
	}
	return l.clear(ctx, m)
}
