package charts

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// text is everything that helm would install, run and print.
func text(r Rendered) string {
	var b bytes.Buffer
	for _, m := range r.Manifests {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", m.Name, strings.TrimSpace(m.Content))
	}
	for _, h := range r.Hooks {
		fmt.Fprintf(&b, "---\n# Hook: %s\n%s\n", h.Path, strings.TrimSpace(h.Manifest))
	}
	fmt.Fprintf(&b, "---\n# Notes:\n# %s\n", strings.ReplaceAll(strings.TrimSpace(r.Notes), "\n", "\n# "))
	return b.String()
}

func TestRenderedManifestsAreAsRecorded(t *testing.T) {
	for _, mode := range modes(t, platform) {
		t.Run(mode, func(t *testing.T) {
			got := text(renderMode(t, platform, mode))
			path := filepath.Join("testdata", mode+".yaml")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(readFile(t, path), got); diff != "" {
				t.Errorf("the manifests changed (-recorded +now); if that is meant, go test -update:\n%s", diff)
			}
		})
	}
}

// What is rendered twice must be the same to the byte: a GitOps tool would
// otherwise see a change where there is none.
func TestASecondRenderingIsTheSame(t *testing.T) {
	for _, mode := range modes(t, platform) {
		if a, b := text(renderMode(t, platform, mode)), text(renderMode(t, platform, mode)); a != b {
			t.Errorf("%s: %s", mode, cmp.Diff(a, b))
		}
	}
}

func TestAChangeStartsOnlyThePodsThatReadIt(t *testing.T) {
	with := func(v map[string]any) map[string]string {
		r, err := Render(platform, "understudy", namespace, v)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, p := range pods(objects(t, r)) {
			if !p.owner.hook {
				out[p.owner.GetName()] = asJSON(t, p.meta) + asJSON(t, p.spec)
			}
		}
		return out
	}
	before := with(nil)
	for name, c := range map[string]struct {
		values map[string]any
		want   []string
	}{
		"a threshold":       {map[string]any{"config": map[string]any{"similarityThreshold": 0.9}}, []string{"backend"}},
		"an upstream":       {map[string]any{"upstreams": []any{map[string]any{"name": "a", "baseURL": "http://a"}}}, []string{"backend"}},
		"a model's value":   {map[string]any{"slm": map[string]any{"values": map[string]any{"probes": map[string]any{}}}}, []string{"backend"}},
		"a patch":           {map[string]any{"slm": map[string]any{"patches": map[string]any{"a.yaml": "- patch: x"}}}, []string{"backend"}},
		"the agent":         {map[string]any{"config": map[string]any{"agentURL": "http://a", "trainingProvider": "static"}}, []string{"backend", "training-service"}},
		"the log level":     {map[string]any{"config": map[string]any{"logLevel": "debug"}}, []string{"backend", "evaluation-service", "frontend", "training-service"}},
		"a network policy":  {map[string]any{"networkPolicy": map[string]any{"llmPorts": []any{443, 444}}}, nil},
		"the claims' class": {map[string]any{"persistence": map[string]any{"storageClass": "fast"}}, nil},
	} {
		var changed []string
		after := with(c.values)
		for _, deployment := range []string{"backend", "evaluation-service", "frontend", "postgres", "redis", "training-service"} {
			if before[deployment] == "" {
				t.Fatalf("there is no %s", deployment)
			}
			if before[deployment] != after[deployment] {
				changed = append(changed, deployment)
			}
		}
		if !reflect.DeepEqual(changed, c.want) {
			t.Errorf("%s starts %v anew, want %v", name, changed, c.want)
		}
	}
}
