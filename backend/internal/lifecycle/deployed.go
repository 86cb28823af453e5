package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// deployed keeps the release as it should be, which after a full stop brings
// it back, says why a pod of it is not ready, and puts it to sleep and wakes it.
func (l *lead) deployed(ctx context.Context, m understudy.Model) (time.Duration, error) {
	r, err := l.release(m, understudy.ModeServe)
	if err != nil {
		return 0, err
	}
	state, err := l.Runtime.State(ctx, r.Name)
	if err != nil {
		return 0, err
	}
	if m.Release != r.Name {
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.Release = r.Name })
		return 0, err
	}
	m, changed, err := l.apply(ctx, m, r, state)
	if err != nil || changed {
		return l.Poll, err
	}
	why := ""
	switch {
	case state.Replicas == 0: // asleep
	case state.Ready == 0:
		why = state.Reason
	case state.Reason != "":
		why = "It serves, but not with every pod it should have. " + state.Reason
	}
	if l.unreachable(m, r.Name, state) {
		why = "Its pods are ready, but its Service " + r.Name + " leads to none of them: somebody has changed it. Delete the Service, and it is made again."
	}
	wakes := m.SleptAt != nil && state.Ready > 0 // which clears the reason too
	if m.Reason != why && !wakes {               // the LLM answers meanwhile, and the status says why
		_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) { m.Reason = why })
		return 0, err
	}
	return l.sleep(ctx, m, state)
}

// unreachable reports whether for some looks pods were ready without an
// address: endpoints follow pods within moments.
func (l *lead) unreachable(m understudy.Model, release string, state understudy.WorkloadState) bool {
	memo := l.memos.of(modelKey + m.ID)
	if state.Ready == 0 || len(l.Runtime.Ready(release)) > 0 {
		memo.lost = time.Time{}
		return false
	}
	if memo.lost.IsZero() {
		memo.lost = l.Now()
	}
	return l.Now().Sub(memo.lost) >= endpointsFollow
}

const endpointsFollow = 15 * time.Second
