package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// bury finishes the deletion of an endpoint: its models leave the stage and
// are retired, each by its own looks; when nothing is left of them, the rows
// go.
func (l *lead) bury(ctx context.Context, e understudy.Endpoint) (time.Duration, error) {
	models, err := l.DB.Models(ctx, understudy.ModelFilter{Endpoint: e.Name})
	if err != nil {
		return 0, err
	}
	left := false
	for _, m := range models {
		trigger := understudy.Withdrawn
		switch {
		case buried(m):
			continue
		case m.Phase == understudy.Retired:
			left = true
			continue
		case m.Phase == understudy.Available || m.Phase == understudy.Failed:
			trigger = understudy.Retire
		}
		_, err := l.DB.Move(ctx, l.epoch, m, trigger, func(m *understudy.Model) {
			understudy.Ask(trigger, "")(m)
			m.Reason = "The endpoint is deleted."
		})
		if err == nil && m.Phase == understudy.Deployed {
			l.Announce(ctx)
		}
		l.poke(modelKey + m.ID)
		return 0, err
	}
	if left {
		return l.Poll, nil
	}
	if err := l.DB.PurgeEndpoint(ctx, l.epoch, e.Name); err != nil {
		return 0, err
	}
	l.Announce(ctx)
	return never, nil
}
