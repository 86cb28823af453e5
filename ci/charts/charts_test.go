package charts

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

const (
	root      = "../.."
	platform  = root + "/" + PlatformChart
	slm       = root + "/charts/slm"
	namespace = "understudy"
)

// object is one rendered object with Kubernetes's own type.
type object struct {
	metav1.Object
	typed runtime.Object
	kind  string
	hook  bool
}

func (o object) String() string { return o.kind + "/" + o.GetName() }

// pod is a rendered pod, of whatever makes it.
type pod struct {
	owner object
	meta  metav1.ObjectMeta
	spec  corev1.PodSpec
}

// modes are the names of the chart's ci/*-values.yaml.
func modes(t *testing.T, chart string) []string {
	t.Helper()
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(filepath.Base(f), "-values.yaml"))
	}
	return out
}

func values(t *testing.T, chart, mode string) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValuesFile(chart + "/ci/" + mode + "-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func renderMode(t *testing.T, chart, mode string) Rendered {
	t.Helper()
	name := "understudy"
	if chart == slm {
		name = "slm-triage-v1"
	}
	r, err := Render(chart, name, namespace, values(t, chart, mode))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// objects reads what was rendered, strictly: an unknown field is a mistake.
func objects(t *testing.T, r Rendered) []object {
	t.Helper()
	var out []object
	for _, m := range r.Manifests {
		out = append(out, decode(t, m.Name, m.Content)...)
	}
	for _, h := range r.Hooks {
		for _, o := range decode(t, h.Path, h.Manifest) {
			o.hook = true
			out = append(out, o)
		}
	}
	return out
}

func decode(t *testing.T, name, text string) []object {
	t.Helper()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewBufferString(text + "\n")))
	defer documents.Close()
	var out []object
	buffer := make([]byte, 1<<20)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(buffer[:n])) == "" {
			continue
		}
		o, gvk, err := strict.Decode(buffer[:n], nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, object{Object: o.(metav1.Object), typed: o, kind: gvk.Kind})
	}
}

func pods(list []object) []pod {
	var out []pod
	for _, o := range list {
		switch x := o.typed.(type) {
		case *appsv1.Deployment:
			out = append(out, pod{o, x.Spec.Template.ObjectMeta, x.Spec.Template.Spec})
		case *appsv1.StatefulSet:
			out = append(out, pod{o, x.Spec.Template.ObjectMeta, x.Spec.Template.Spec})
		case *batchv1.Job:
			out = append(out, pod{o, x.Spec.Template.ObjectMeta, x.Spec.Template.Spec})
		case *corev1.Pod:
			out = append(out, pod{o, x.ObjectMeta, x.Spec})
		}
	}
	return out
}

// everyMode runs a check on every way to use the platform's chart.
func everyMode(t *testing.T, check func(t *testing.T, mode string, list []object)) {
	t.Helper()
	for _, mode := range modes(t, platform) {
		t.Run(mode, func(t *testing.T) { check(t, mode, objects(t, renderMode(t, platform, mode))) })
	}
}

func find[T runtime.Object](list []object, name string) (T, bool) {
	for _, o := range list {
		if x, ok := o.typed.(T); ok && o.GetName() == name {
			return x, true
		}
	}
	var none T
	return none, false
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
