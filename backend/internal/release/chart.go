package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/kustomize/api/types"

	"understudy.dev/charts"
	"understudy.dev/kustomize"
)

const root = "slm" // of the chart and of the kustomizations, in their embedded trees

// loadChart reads the embedded chart anew: an action may change what it gets.
func loadChart() (*chart.Chart, error) {
	var files []*loader.BufferedFile
	err := fs.WalkDir(charts.SLM, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := charts.SLM.ReadFile(path)
		files = append(files, &loader.BufferedFile{Name: strings.TrimPrefix(path, root+"/"), Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the embedded chart: %w", err)
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("load the embedded chart: %w", err)
	}
	return c, nil
}

// partsDigest tells one chart, overlay and set of patches from another.
func partsDigest(overlay string, patches []types.Patch) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(patches); err != nil {
		return "", fmt.Errorf("write the patches: %w", err)
	}
	fmt.Fprintf(h, "overlay %s\n", overlay)
	for _, tree := range []fs.FS{charts.SLM, kustomize.SLM} {
		err := fs.WalkDir(tree, root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := tree.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			fmt.Fprintf(h, "file %s\n", path)
			_, err = io.Copy(h, f)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read the embedded chart and overlay: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digestLength is as much of a SHA-256 in hex as a label takes with ease.
const digestLength = 40

// digest of chart, overlay and values. JSON has its keys sorted.
func (r *releases) digest(values map[string]any) (string, error) {
	b, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("write the values: %w", err)
	}
	sum := sha256.Sum256(append([]byte(r.parts+"\n"+r.Namespace+"\n"), b...))
	return hex.EncodeToString(sum[:])[:digestLength], nil
}
