package lifecycle

import (
	"context"
	"fmt"
	"log/slog"

	understudy "understudy.dev/backend"
)

// keepEvents is how many lines of the diary are kept.
const keepEvents = 100_000

// sweep removes releases that no model should have, and old events. A model's
// row names its release before that exists, and the releases are listed before
// the rows are read: so none that is wanted is taken for a stray.
func (l *lead) sweep(ctx context.Context) error {
	releases, err := l.Releases.List(ctx)
	if err != nil {
		return err
	}
	models, err := l.DB.Models(ctx, understudy.ModelFilter{})
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, m := range models {
		wanted[m.Release] = true
	}
	for _, r := range releases {
		if wanted[r.Name] {
			continue
		}
		if err := l.remove(ctx, r.Name); err != nil {
			return err
		}
		slog.Info("release removed that no model has", "release", r.Name)
		l.say(ctx, understudy.Model{}, "release.removed", fmt.Sprintf("Release %s belonged to no model and is removed", r.Name), map[string]any{"release": r.Name})
	}
	return l.DB.PruneEvents(ctx, keepEvents)
}
