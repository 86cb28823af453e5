package release

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/types"

	"understudy.dev/backend/internal/release/releasetest"

	understudy "understudy.dev/backend"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const chartDir = "../../../charts/slm"

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func clone(t *testing.T, v map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// modes are the values of every way to use the chart, by name: those of its
// ci folder, and those that the backend makes.
func modes(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	files, err := filepath.Glob(chartDir + "/ci/*-values.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		v, err := chartutil.ReadValuesFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), "-values.yaml")] = v
	}
	r := &releases{Settings: Settings{Image: "understudy-slm-inference:local", BackendURL: "http://127.0.0.1:8000", TrainerURL: "http://127.0.0.1:8002", BatchSize: 50}}
	base := understudy.Base{Name: "tiny", ContextLength: 512, Serve: understudy.BaseFile{URL: "https://models.example.com/tiny.gguf", SHA256: releasetest.Sum("tiny")}}
	for _, mode := range []understudy.ReleaseMode{understudy.ModeServe, understudy.ModeBatch} {
		v, err := r.values(releasetest.Release("triage", 1, mode, base))
		if err != nil {
			t.Fatal(err)
		}
		out["backend-"+string(mode)] = v
	}
	return out
}

func renderChart(t *testing.T, values map[string]any, overlay string, patches ...types.Patch) string {
	t.Helper()
	post, err := newPostRenderer(overlay, patches)
	if err != nil {
		t.Fatal(err)
	}
	c, err := loadChart()
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{Log: t.Logf})
	install.ReleaseName, install.Namespace = "slm-triage-v1", Namespace
	install.ClientOnly, install.DryRun, install.PostRenderer = true, true, post
	install.KubeVersion = &localCapabilities().KubeVersion
	rel, err := install.Run(c, values)
	if err != nil {
		t.Fatal(err)
	}
	return rel.Manifest
}

func TestRenderedManifestsAreAsRecorded(t *testing.T) {
	for name, values := range modes(t) {
		for _, overlay := range []string{"base", "local"} {
			t.Run(name+" "+overlay, func(t *testing.T) {
				got := renderChart(t, values, overlay)
				path := filepath.Join("testdata", name+"-"+overlay+".yaml")
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(readFile(t, path), got); diff != "" {
					t.Errorf("the manifest changed (-recorded +now); if that is meant, go test -update:\n%s", diff)
				}
				checkObjects(t, got)
			})
		}
	}
}

// checkObjects holds every object against Kubernetes's own types, strictly,
// and every pod against what the platform promises of it.
func checkObjects(t *testing.T, manifest string) {
	t.Helper()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	objects, err := decode(strings.NewReader(manifest))
	if err != nil || len(objects) == 0 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	for _, u := range objects {
		b, err := u.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(b, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", u.GetKind(), err)
		}
		if labels := u.GetLabels(); labels["app"] != "slm-inference" || labels[LabelEndpoint] == "" || labels[LabelVersion] == "" || labels[LabelModelID] == "" {
			t.Errorf("%s is labelled %v", u.GetKind(), labels)
		}
		switch o := object.(type) {
		case *appsv1.Deployment:
			if o.Spec.Replicas != nil {
				t.Error("spec.replicas is set: an upgrade would undo every scaling")
			}
			checkPod(t, o.Spec.Template)
		case *batchv1.Job:
			checkPod(t, o.Spec.Template)
		case *corev1.Secret:
			t.Error("a Secret is part of the release's record")
		}
	}
}

// checkPod holds a pod against Pod Security restricted (host paths, which that
// refuses, are the ci files' own choice).
func checkPod(t *testing.T, pod corev1.PodTemplateSpec) {
	t.Helper()
	s, c := pod.Spec, pod.Spec.Containers[0]
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	for what, ok := range map[string]bool{
		"runAsNonRoot":          is(s.SecurityContext.RunAsNonRoot, true),
		"a seccomp profile":     s.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no more privileges":    is(c.SecurityContext.AllowPrivilegeEscalation, false),
		"no capabilities":       reflect.DeepEqual(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}),
		"no service links":      is(s.EnableServiceLinks, false),
		"no account token":      is(s.AutomountServiceAccountToken, false),
		"the CPU limit":         c.Resources.Limits.Cpu().String() == "4",
		"the memory limit":      c.Resources.Limits.Memory().String() == "8Gi",
		"requests of their own": c.Resources.Requests.Cpu().Cmp(*c.Resources.Limits.Cpu()) < 0,
		"labels of the model":   pod.Labels[LabelModelID] != "" && pod.Labels["app"] == "slm-inference",
	} {
		if !ok {
			t.Errorf("the pod lacks %s", what)
		}
	}
}

func TestTheChartLintsInEveryMode(t *testing.T) {
	for name, values := range modes(t) {
		lint := action.NewLint()
		lint.Strict = true
		if r := lint.Run([]string{chartDir}, values); len(r.Errors) > 0 {
			t.Errorf("%s: %v", name, r.Errors)
		}
	}
	lint := action.NewLint()
	if r := lint.Run([]string{chartDir}, map[string]any{"repicas": 2}); len(r.Errors) == 0 {
		t.Error("a typo passes")
	}
}

func TestTheEmbeddedChartIsTheOneOnDiskWithoutWhatNoReleaseNeeds(t *testing.T) {
	c, err := loadChart()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range c.Raw {
		names[f.Name] = true
		if disk := readFile(t, filepath.Join(chartDir, f.Name)); disk != string(f.Data) {
			t.Errorf("%s differs", f.Name)
		}
	}
	templates, err := filepath.Glob(chartDir + "/templates/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range templates {
		if name := "templates/" + filepath.Base(path); !names[name] {
			t.Errorf("%s is not embedded", name)
		}
	}
	if len(c.Files) != 0 || len(names) != len(templates)+3 {
		t.Errorf("files that no release needs: %v", names)
	}
}

// Every value is explained and in the schema, and the schema has no others.
func TestEveryValueIsDocumentedAndInTheSchema(t *testing.T) {
	text := readFile(t, chartDir+"/values.yaml")
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(readFile(t, chartDir+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v, s map[string]any)
	walk = func(path string, v, s map[string]any) {
		properties, _ := s["properties"].(map[string]any)
		if s["additionalProperties"] != false {
			t.Errorf("the schema lets anything into %q", path)
		}
		for name := range properties {
			if _, ok := v[name]; !ok && path+name != "global" {
				t.Errorf("the schema knows %s%s, values.yaml does not", path, name)
			}
		}
		for name, value := range v {
			sub, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s%s is not in the schema", path, name)
				continue
			}
			if below, ok := value.(map[string]any); ok && sub["properties"] != nil {
				walk(path+name+".", below, sub)
				continue
			}
			indent := strings.Repeat("  ", strings.Count(path, "."))
			if !regexp.MustCompile(`(?m)^` + indent + `# -- \S.*\n` + indent + regexp.QuoteMeta(name) + `:`).MatchString(text) {
				t.Errorf("%s%s has no comment that begins with # --", path, name)
			}
		}
	}
	walk("", values, schema)
}

func TestAnOverlayMayNotAddDropOrRename(t *testing.T) {
	chart := "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n---\n# a comment\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n"
	cases := map[string]struct{ kustomization, want string }{
		"it changes nothing": {"resources: [helm.yaml]", ""},
		"it labels":          {"resources: [helm.yaml]\nlabels: [{pairs: {a: b}}]", ""},
		"it renames":         {"resources: [helm.yaml]\nnamePrefix: x-", "not the chart's any more"},
		"it drops":           {"resources: [helm.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: a}, $patch: delete}'}]", "not the chart's any more"},
		"it adds":            {"resources: [helm.yaml]\nconfigMapGenerator: [{name: c, literals: [a=b]}]", "not the chart's any more"},
		"it is no YAML":      {"resources: [", "kustomize"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := &postRenderer{tree: fstest.MapFS{"slm/base/kustomization.yaml": {Data: []byte(tc.kustomization)}}, path: "slm/base"}
			out, err := p.Run(bytes.NewBufferString(chart))
			switch {
			case tc.want == "" && (err != nil || !strings.Contains(out.String(), "name: b")):
				t.Errorf("got %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := newPostRenderer("prod", nil); understudy.CodeOf(err) != understudy.Invalid {
		t.Errorf("an unknown overlay: %v", err)
	}
}
