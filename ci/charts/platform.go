package charts

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Where things lie, seen from the repository's root, and what the platform is
// called: kustomize has no release, so both are fixed there.
const (
	PlatformChart = "charts/understudy"
	platformName  = "understudy"
)

const generated = "# Rendered from charts/understudy by `make manifests`. Change the chart, or patch this in an overlay.\n"

// PlatformManifests renders the platform's chart into the files of
// kustomize/platform, by path from the repository's root: one file of base for
// each folder of templates, and the local overlay's Ingress, which the chart
// makes only on demand. Hooks and notes are Helm's and left out.
func PlatformManifests(root string) (map[string]string, error) {
	r, err := Render(filepath.Join(root, PlatformChart), platformName, platformName, map[string]any{"ingress": map[string]any{"enabled": true}})
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, m := range r.Manifests {
		file := "kustomize/platform/base/" + path.Base(path.Dir(m.Name)) + ".yaml"
		if m.Head.Kind == "Ingress" {
			file = "kustomize/platform/overlays/local/ingress.yaml"
		}
		if files[file] == "" {
			files[file] = generated
		}
		files[file] += "---\n" + strings.TrimSpace(m.Content) + "\n"
	}
	if len(files) < 2 {
		return nil, fmt.Errorf("the chart rendered to %v only", slices.Sorted(maps.Keys(files)))
	}
	return files, nil
}

// ByHand tells whether a file of kustomize/platform/base is no rendered one.
func ByHand(name string) bool { return name == "namespace.yaml" || name == "kustomization.yaml" }
