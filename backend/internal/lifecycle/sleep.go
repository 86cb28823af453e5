package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// sleep scales a model to zero that nobody wants, and wakes it when somebody
// does. The row says what is wanted and the workload follows, so that the
// gateway stops sending before the pod goes, and is told of the pod only when
// it is ready. 0 → 1 is decided here, 1 → 5 by the autoscaler.
func (l *lead) sleep(ctx context.Context, m understudy.Model, state understudy.WorkloadState) (time.Duration, error) {
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	activity, err := l.DB.Activity(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	switch {
	case m.SleptAt == nil:
		if state.Exists && state.Replicas == 0 { // scaled down behind our back
			return l.Poll, l.Runtime.Scale(ctx, m.Release, 1, state.Version)
		}
		idle, err := l.unwanted(ctx, m, e, activity)
		if err != nil {
			return 0, err
		}
		if !idle {
			return l.Active, nil
		}
		now := l.Now().UTC()
		_, err = l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.SleptAt, m.Replicas = &now, 0 })
		l.Announce(ctx)
		return 0, err
	case e.ScaleToZeroAfter > 0 && !wantedSince(activity, *m.SleptAt):
		if state.Replicas == 0 {
			return l.Survey, nil
		}
		return l.Survey, l.Runtime.Scale(ctx, m.Release, 0, state.Version)
	case state.Replicas == 0:
		return l.Poll, l.Runtime.Scale(ctx, m.Release, 1, state.Version)
	case state.Ready == 0:
		return l.Poll, nil
	default:
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.SleptAt, m.Replicas, m.Reason = nil, 1, "" })
		l.Announce(ctx)
		return l.Active, err
	}
}

func wantedSince(activity []understudy.Activity, slept time.Time) bool {
	for _, a := range activity {
		if a.LastWantedAt != nil && a.LastWantedAt.After(slept) {
			return true
		}
	}
	return false
}

// unwanted reports whether every live replica has said, lately, that for
// ScaleToZeroAfter nothing was wanted or served and nothing is under way. A
// replica that says nothing may be serving.
func (l *lead) unwanted(ctx context.Context, m understudy.Model, e understudy.Endpoint, activity []understudy.Activity) (bool, error) {
	now := l.Now()
	if e.ScaleToZeroAfter == 0 || m.ServedSince == nil || now.Sub(*m.ServedSince) < e.ScaleToZeroAfter {
		return false, nil
	}
	live, err := l.DB.LiveReplicas(ctx, now)
	if err != nil || len(live) == 0 {
		return false, err
	}
	said := map[string]understudy.Activity{}
	for _, a := range activity {
		said[a.Replica] = a
		for _, at := range []*time.Time{a.LastWantedAt, a.LastServedAt} {
			if at != nil && now.Sub(*at) < e.ScaleToZeroAfter {
				return false, nil
			}
		}
	}
	for _, r := range live {
		a, ok := said[r.ID]
		if !ok || a.InFlight > 0 || now.Sub(a.UpdatedAt) >= understudy.ReplicaTimeout {
			return false, nil
		}
	}
	return true, nil
}
