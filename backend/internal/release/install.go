package release

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"

	understudy "understudy.dev/backend"
)

// describe says in Helm's own record what is on stage.
func describe(r understudy.Release) string {
	return fmt.Sprintf("%s: endpoint %s, version %d, model %s, attempt %d", r.Mode, r.Endpoint, r.Version, r.ModelID, r.Attempt)
}

func (r *releases) install(ctx context.Context, cfg *action.Configuration, want understudy.Release, c *chart.Chart, values map[string]any, labels map[string]string) (*release.Release, error) {
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace = want.Name, r.Namespace
	install.Timeout, install.Wait = Timeout, false
	install.DisableOpenAPIValidation = true // the API server checks
	install.Labels, install.Description = labels, describe(want)
	install.PostRenderer = r.render
	return install.RunWithContext(ctx, c, values)
}
