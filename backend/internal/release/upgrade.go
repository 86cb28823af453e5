package release

import (
	"context"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"

	understudy "understudy.dev/backend"
)

func (r *releases) upgrade(ctx context.Context, cfg *action.Configuration, want understudy.Release, c *chart.Chart, values map[string]any, labels map[string]string) (*release.Release, error) {
	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.MaxHistory = r.Namespace, maxHistory
	upgrade.Timeout, upgrade.Wait = Timeout, false
	upgrade.DisableOpenAPIValidation = true
	upgrade.ResetValues = true // what the release says now, and nothing of before
	upgrade.Labels, upgrade.Description = labels, describe(want)
	upgrade.PostRenderer = r.render
	return upgrade.RunWithContext(ctx, want.Name, c, values)
}
