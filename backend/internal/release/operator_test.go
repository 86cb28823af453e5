package release

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/release/releasetest"
)

func TestAnOperatorsValues(t *testing.T) {
	base := understudy.Base{Name: "tiny", Serve: understudy.BaseFile{File: "tiny.gguf", SHA256: releasetest.Sum("tiny")}}
	r := &releases{Settings: Settings{Image: "slm:1", BackendURL: "http://b:8000", TrainerURL: "http://t:8002", Values: map[string]any{
		"endpoint":  "another",
		"resources": map[string]any{"limits": map[string]any{"cpu": "2"}},
		"image":     map[string]any{"pullPolicy": "Always", "repository": "evil"},
		"base":      map[string]any{"source": "existingClaim", "existingClaim": map[string]any{"name": "slm-models"}},
	}}}
	want := releasetest.Release("triage", 1, understudy.ModeServe, base)
	v, err := r.values(want)
	if err != nil {
		t.Fatal(err)
	}
	got := renderChart(t, v, "base")
	for _, line := range []string{`understudy.dev/endpoint: triage`, "cpu: \"2\"", "imagePullPolicy: Always", "image: slm:1", "claimName: slm-models", "value: /base/tiny.gguf"} {
		if !strings.Contains(got, line) {
			t.Errorf("the manifest lacks %q", line)
		}
	}
	before, err := r.digest(v)
	if err != nil {
		t.Fatal(err)
	}
	r.Values["resources"].(map[string]any)["limits"].(map[string]any)["cpu"] = "3"
	if v, err = r.values(want); err != nil {
		t.Fatal(err)
	}
	if after, err := r.digest(v); err != nil || after == before {
		t.Errorf("other values give the same digest (%v)", err)
	}
}

func TestABasesMirror(t *testing.T) {
	base := understudy.Base{Name: "tiny", Serve: understudy.BaseFile{File: "tiny.gguf", URL: "https://models.example.com/tiny.gguf"}}
	r := &releases{Settings: Settings{ModelsURL: "http://mirror/models/"}}
	v, err := r.base(base)
	if err != nil || v["pull"].(map[string]any)["url"] != "http://mirror/models/tiny.gguf" {
		t.Errorf("%v, %v", v, err)
	}
	r.ModelsURL, base.Serve.URL = "", ""
	if _, err := r.base(base); understudy.CodeOf(err) != understudy.Invalid || !strings.Contains(err.Error(), "MODELS_URL") {
		t.Errorf("a base that is nowhere gives %v", err)
	}
	// what is served is made at set-up, here nobody sets up
	base.Train.GGUF = &understudy.BaseFile{File: "tiny-train.gguf", URL: "https://models.example.com/tiny-train.gguf", SHA256: "abc"}
	if v, err := r.base(base); err != nil || v["pull"].(map[string]any)["url"] != base.Train.GGUF.URL || v["sha256"] != "abc" {
		t.Errorf("%v, %v; want the file that is trained on", v, err)
	}
}

func TestAnOperatorsPatches(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("priority.yaml", `
- target: {kind: Deployment}
  patch: |-
    - op: add
      path: /spec/template/spec/priorityClassName
      value: high
`)
	patches, err := ReadPatches(dir)
	if err != nil || len(patches) != 1 {
		t.Fatal(patches, err)
	}
	for _, overlay := range []string{"base", "local"} {
		if got := renderChart(t, modes(t)["backend-serve"], overlay, patches...); !strings.Contains(got, "priorityClassName: high") {
			t.Errorf("overlay %s: the patch is not applied", overlay)
		}
	}
	one, err := partsDigest("base", patches)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := partsDigest("base", nil); err != nil || one == two {
		t.Errorf("patches do not change the digest (%v)", err)
	}
	for name, text := range map[string]string{
		"a file elsewhere":  "- path: /etc/passwd\n",
		"another generator": "- patch: x\n  generators: [y]\n",
		"no list":           "patches: []\n",
	} {
		write("zz.yaml", text)
		if _, err := ReadPatches(dir); understudy.CodeOf(err) != understudy.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if none, err := ReadPatches(filepath.Join(dir, "nowhere")); err != nil || len(none) != 0 {
		t.Errorf("a folder that is not there: %v, %v", none, err)
	}
}

func TestTheDocumentedPatchIsTaken(t *testing.T) {
	text, err := os.ReadFile("../../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, documented := t.TempDir(), 0
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var v struct {
			SLM struct{ Patches map[string]string }
		}
		if err := yaml.Unmarshal([]byte(block), &v); err != nil {
			t.Fatal(err)
		}
		for name, patch := range v.SLM.Patches {
			documented++
			if err := os.WriteFile(filepath.Join(dir, name), []byte(patch), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	patches, err := ReadPatches(dir)
	if err != nil || documented == 0 || len(patches) != documented {
		t.Fatalf("of %d files: %v, %v", documented, patches, err)
	}
	if got := renderChart(t, modes(t)["backend-serve"], "base", patches...); !strings.Contains(got, "priorityClassName: batch") {
		t.Error("the patch is not applied")
	}
}
