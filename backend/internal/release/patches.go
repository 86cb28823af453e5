package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	understudy "understudy.dev/backend"
)

// ReadPatches reads an operator's patches: every *.yaml of a folder, in the
// order of their names, is a list of kustomize patches {target, patch}. Only
// patches written out there are taken: nothing is read from elsewhere, and the
// post-renderer refuses one that adds, drops or renames an object. A folder
// that is not there has none.
func ReadPatches(dir string) ([]types.Patch, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || dir == "" {
		return nil, err
	}
	slices.Sort(files)
	var all []types.Patch
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the patches: %w", err)
		}
		var some []types.Patch
		if err := yaml.UnmarshalStrict(raw, &some); err != nil {
			return nil, understudy.Errorf(understudy.Invalid, "%s is no list of {target, patch}: %v", f, err)
		}
		for i, p := range some {
			if p.Path != "" || p.Patch == "" || p.Options != nil {
				return nil, understudy.Errorf(understudy.Invalid, "%s: patch %d must have its text under \"patch\"; path and options are not taken", f, i+1)
			}
		}
		all = append(all, some...)
	}
	return all, nil
}

const operatorRoot = root + "/operator"

// operators is the kustomization that patches what the one at path gives; nil
// without patches.
func operators(path string, patches []types.Patch) ([]byte, error) {
	if len(patches) == 0 {
		return nil, nil
	}
	below, err := filepath.Rel(operatorRoot, path)
	if err != nil {
		return nil, err
	}
	return json.Marshal(types.Kustomization{ // JSON is YAML
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{filepath.ToSlash(below)}, Patches: patches,
	})
}
