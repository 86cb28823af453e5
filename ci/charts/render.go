// Package charts renders the repository's Helm charts as helm does, without a
// cluster: for kustomize/platform/base, and for the tests of the charts.
package charts

import (
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// Rendered is what a chart became.
type Rendered struct {
	Manifests []releaseutil.Manifest // in the order of installation; Name is the template's path
	Hooks     []*release.Hook
	Notes     string
}

// Render renders the chart in folder dir as release name in the namespace.
// The values go over the chart's own; what its schema refuses is an error.
func Render(dir, name, namespace string, values map[string]any) (Rendered, error) {
	c, err := loader.Load(dir)
	if err != nil {
		return Rendered{}, fmt.Errorf("load the chart %s: %w", dir, err)
	}
	return render(c, name, namespace, values)
}

func render(c *chart.Chart, name, namespace string, values map[string]any) (Rendered, error) {
	capabilities := *chartutil.DefaultCapabilities
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	options := chartutil.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, options, &capabilities)
	if err != nil {
		return Rendered{}, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return Rendered{}, fmt.Errorf("render %s: %w", c.Name(), err)
	}
	var out Rendered
	for file, text := range files {
		switch {
		case path.Base(file) == "NOTES.txt":
			out.Notes = text
			delete(files, file)
		case strings.HasPrefix(path.Base(file), "_"):
			delete(files, file)
		}
	}
	out.Hooks, out.Manifests, err = releaseutil.SortManifests(files, capabilities.APIVersions, releaseutil.InstallOrder)
	return out, err
}
