package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

const hostPath = `Warning: would violate PodSecurity "restricted:latest": restricted volume types (volume "base" uses restricted volume type "hostPath")` + "\n"

// TestServerAcceptsEveryManifest gives everything that the charts and the
// overlays can render to the API server, as a dry run, in a namespace where Pod
// Security is restricted: what it would refuse, and what it warns of, fails.
func TestServerAcceptsEveryManifest(t *testing.T) {
	begin(t)
	t.Cleanup(func() { leave(t) })
	command(t, "kubectl", "apply", "-f", "kustomize/platform/base/namespace.yaml")
	for _, mode := range []string{"enforce", "warn"} {
		command(t, "kubectl", "label", "--overwrite", "namespace", namespace, "pod-security.kubernetes.io/"+mode+"=restricted")
	}
	// A pod is admitted only where these are; helm and a mirror's operator make them before.
	kubectl(t, "create", "serviceaccount", "understudy", "--save-config")
	command(t, "kubectl", "create", "priorityclass", "platform", "--value=1000")
	t.Cleanup(func() { _ = exec.Command("kubectl", "delete", "priorityclass", "platform").Run() })
	root := platform.Root(t)
	manifests := map[string]string{}
	golden, err := filepath.Glob(filepath.Join(root, "ci/charts/testdata/*.yaml"))
	must(t, err)
	for _, file := range golden {
		b, err := os.ReadFile(file)
		must(t, err)
		manifests["charts/understudy "+strings.TrimSuffix(filepath.Base(file), ".yaml")] = string(b)
	}
	values, err := filepath.Glob(filepath.Join(root, "charts/slm/ci/*-values.yaml"))
	must(t, err)
	for _, file := range values {
		manifests["charts/slm "+strings.TrimSuffix(filepath.Base(file), "-values.yaml")] =
			command(t, "helm", "template", "slm-tiny-v1", "charts/slm", "-n", namespace, "-f", file, "--kube-version", "1.36")
	}
	for _, folder := range []string{"base", "overlays/local"} {
		manifests["kustomize/platform/"+folder] = command(t, "kubectl", "kustomize", "kustomize/platform/"+folder)
	}
	if len(golden) < 4 || len(values) < 4 {
		t.Fatalf("%d golden files, %d values of charts/slm: what else is tried is not here", len(golden), len(values))
	}
	objects := 0
	for name, manifest := range manifests {
		cmd := exec.CommandContext(t.Context(), "kubectl", "-n", namespace, "apply", "--dry-run=server", "-f", "-")
		cmd.Stdin = strings.NewReader(manifest)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		// Weights in a folder of the node are for the local node only, and values.yaml says so.
		warned := stderr.String()
		if name == "charts/slm batch" {
			warned = strings.Replace(warned, hostPath, "", 1)
		}
		if err != nil || warned != "" {
			t.Errorf("%s: %v\n%s", name, err, warned)
		}
		n := strings.Count(string(out), "(server dry run)")
		if n == 0 {
			t.Errorf("%s: nothing was taken: %s", name, out)
		}
		objects += n
	}
	// The same way must refuse what is wrong.
	bad := strings.Replace(manifests["charts/understudy default"], "runAsNonRoot: true", "runAsNonRoot: false", 1)
	cmd := exec.CommandContext(t.Context(), "kubectl", "-n", namespace, "apply", "--dry-run=server", "-f", "-")
	cmd.Stdin = strings.NewReader(bad)
	if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "violate PodSecurity") {
		t.Errorf("a pod that may run as root is taken without a word:\n%s", out)
	}
	result(t, "%s", fmt.Sprintf("%d renderings, %d objects: accepted by the server, no warning from Pod Security restricted", len(manifests), objects))
}
