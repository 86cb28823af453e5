package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"understudy.dev/ci/docs"
	"understudy.dev/ci/platform"
)

// elsewhere are commands that a test of their own runs.
var elsewhere = map[string]string{
	"make images && make deploy":                         "TestDeploy",
	"kubectl apply -k kustomize/platform/overlays/local": "TestKustomize",
}

const operations = "docs/operations.md" // TestBackup's

// TestDocumentation types what the documentation says for a cluster, in its
// order.
func TestDocumentation(t *testing.T) {
	begin(t)
	t.Cleanup(func() { leave(t) })
	command(t, "kubectl", "apply", "-f", "ci/e2e/prometheus.yaml")
	t.Cleanup(func() {
		cmd := exec.Command("kubectl", "delete", "-f", "ci/e2e/prometheus.yaml", "--ignore-not-found")
		cmd.Dir = platform.Root(t)
		_ = cmd.Run()
	})
	dir := desk(t)
	paths, err := filepath.Glob(filepath.Join(platform.Root(t), "docs", "*.md"))
	must(t, err)
	ran, met := 0, map[string]bool{}
	for _, path := range append([]string{filepath.Join(platform.Root(t), "README.md")}, paths...) {
		path, _ = filepath.Rel(platform.Root(t), path)
		if path == operations {
			continue
		}
		for _, block := range inCluster(t, path) {
			other := ""
			for command := range elsewhere {
				if strings.HasPrefix(block, command) {
					other = command
				}
			}
			if met[other] = true; other == "" {
				types(t, dir, block)
				ran++
			}
		}
	}
	for command, test := range elsewhere {
		if !met[command] {
			t.Errorf("%s runs %q, and the documentation says it no more", test, command)
		}
	}
	if out := kubectl(t, "exec", "deployment/backend", "--", "understudy", "status"); !strings.Contains(out, "triage") {
		t.Errorf("the endpoint of the documentation is not there:\n%s", out)
	}
	if got := items(t, "servicemonitors,prometheusrules"); len(got) < 2 {
		t.Errorf("of the monitoring there are %v", got)
	}
	result(t, "%d blocks of the documentation, as they stand there", ran)
}

// TestBackup does what docs/operations.md says, with a model on stage: backup,
// restore of what was deleted since, upgrade, uninstall, removal of the data,
// restore into an installation that is new.
func TestBackup(t *testing.T) {
	w := install(t)
	w.deployed(t, "tiny", nil)
	dir, blocks := desk(t), inCluster(t, operations)
	if len(blocks) != 5 {
		t.Fatalf("%s has %d blocks for a cluster, not backup, restore, upgrade, uninstall and removal", operations, len(blocks))
	}
	types(t, dir, blocks[0])
	must(t, w.API("DELETE", "/endpoints/tiny", nil, nil))
	w.await(t, patience, func() bool {
		_, err := w.Model("tiny-v1")
		return err != nil && strings.Contains(err.Error(), "404") && len(w.releases(t)) == 1
	}, func() string { return "the endpoint is not gone" })

	types(t, dir, blocks[1])
	w.reaches(t, "tiny-v1", "deployed", patience)
	w.served(t, "tiny")
	types(t, dir, blocks[2])
	w.served(t, "tiny")
	result(t, "an endpoint and its model, deleted after the backup, are back after the restore and survive the upgrade: the SLM answers")

	types(t, dir, blocks[3])
	if left := w.releases(t); len(left) > 0 {
		t.Errorf("releases are left: %v", left)
	}
	kubectl(t, "get", "pvc/postgres-data", "pvc/training-data", "secret/understudy-keys", "secret/understudy-postgres") // they stay
	types(t, dir, blocks[4])
	if left := items(t, "pvc", "-l", "app.kubernetes.io/part-of=understudy"); len(left) > 0 {
		t.Errorf("claims are left: %v", left)
	}

	kubectl(t, "delete", "secret", "understudy-providers")
	types(t, dir, "kubectl apply -n understudy -f secrets.yaml")
	key := w.Key // the backup knows it
	w.helmInstall(t)
	w.Key = key
	types(t, dir, blocks[1])
	w.reaches(t, "tiny-v1", "deployed", patience)
	w.served(t, "tiny")
	result(t, "uninstalled with all data, installed anew and restored: the SLM answers")
}

func inCluster(t *testing.T, path string) []string {
	t.Helper()
	blocks, err := docs.InCluster(platform.Root(t), path)
	must(t, err)
	return blocks
}

// desk is a folder with what commands of the documentation name, in which they
// may leave files.
func desk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"charts", "kustomize"} {
		must(t, os.Symlink(filepath.Join(platform.Root(t), name), filepath.Join(dir, name)))
	}
	return dir
}

// types runs a block as somebody types it who reads on when it has succeeded,
// and reads for longer than pods take to end that were replaced.
func types(t *testing.T, dir, block string) {
	t.Helper()
	replaced(t)
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", block, err, out)
	}
	t.Logf("%s\n%s", block, out)
}

// replaced waits for the end of pods that others took the place of: until the
// cluster's network knows of their end they answer, and one may still lead.
func replaced(t *testing.T) {
	t.Helper()
	for _, pod := range strings.Fields(kubectl(t, "get", "pods", "-o", "jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}")) {
		kubectl(t, "wait", "--for=delete", "pod/"+pod, "--timeout=90s")
	}
}
