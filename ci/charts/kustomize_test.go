package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const platformBase = root + "/kustomize/platform/base"

func TestTheBaseIsWhatTheChartRenders(t *testing.T) {
	files, err := PlatformManifests(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if diff := cmp.Diff(string(got), want); err != nil || diff != "" {
			t.Errorf("%s: run make manifests: %v\n%s", name, err, diff)
		}
	}
	there, err := filepath.Glob(platformBase + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		name, _ := filepath.Rel(root, path)
		if _, ok := files[name]; !ok && !ByHand(filepath.Base(path)) {
			t.Errorf("%s is rendered no more: run make manifests", name)
		}
		if !strings.Contains(readFile(t, platformBase+"/kustomization.yaml"), "- "+filepath.Base(path)+"\n") && filepath.Base(path) != "kustomization.yaml" {
			t.Errorf("kustomization.yaml does not list %s", filepath.Base(path))
		}
	}
}

// kubectl apply -k must give what helm install gives: the same objects with the
// same specs, hooks and Secrets apart.
func TestTheLocalOverlayIsThePlatformWithSecrets(t *testing.T) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), root+"/kustomize/platform/overlays/local")
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	spec := func(o object) string {
		o.SetNamespace("")
		return asJSON(t, o.typed)
	}
	want := map[string]string{}
	for _, o := range objects(t, renderMode(t, platform, "default")) {
		if !o.hook {
			want[o.String()] = spec(o)
		}
	}
	overlay := decode(t, "overlays/local", string(yaml))
	secrets := map[string][]string{}
	got := map[string]string{}
	for _, o := range overlay {
		switch x := o.typed.(type) {
		case *corev1.Namespace:
			if o.GetLabels()["pod-security.kubernetes.io/enforce"] != "restricted" || o.GetName() != namespace {
				t.Errorf("%+v", x)
			}
			continue
		case *corev1.Secret:
			for key := range x.StringData {
				secrets[o.GetName()] = append(secrets[o.GetName()], key)
			}
			slices.Sort(secrets[o.GetName()])
		default:
			got[o.String()] = spec(o)
		}
		if o.GetNamespace() != "" && o.GetNamespace() != namespace {
			t.Errorf("%s is in namespace %s", o, o.GetNamespace())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-chart +kustomize):\n%s", diff)
	}
	wantSecrets := map[string][]string{
		"understudy-keys":      {"UNDERSTUDY_ADMIN_KEY", "UNDERSTUDY_SERVICE_TOKEN"},
		"understudy-postgres":  {"POSTGRES_PASSWORD"},
		"understudy-providers": {"AGENT_TOKEN", "ANTHROPIC_API_KEY", "HF_TOKEN", "OPENAI_API_KEY", "RUNPOD_API_KEY"},
	}
	if diff := cmp.Diff(wantSecrets, secrets); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
	for _, p := range pods(overlay) {
		for _, r := range references(p.spec) {
			if _, ok := got[r]; !ok && secrets[strings.TrimPrefix(r, "Secret/")] == nil {
				t.Errorf("%s refers to %s, which is not there", p.owner, r)
			}
		}
	}
}
