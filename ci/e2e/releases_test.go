package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

// TestReleases runs the backend's conformance test of releases against the
// cluster: the same one that the local node passes in `make test`.
func TestReleases(t *testing.T) {
	begin(t)
	if os.Getenv("FAKEPOD_IMAGE") == "" {
		t.Skip("FAKEPOD_IMAGE is not set: ci/e2e/run.sh brings it")
	}
	program := filepath.Join(platform.Root(t), ".cache", "release.test")
	out, err := exec.CommandContext(t.Context(), program, "-test.v", "-test.run", "^TestTheClusterConforms$", "-test.timeout", "10m").CombinedOutput()
	passed := strings.Count(string(out), "    --- PASS: ")
	if err != nil || passed == 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	result(t, "the conformance test of releases passes: %d cases", passed)
	for _, name := range strings.Fields(command(t, "kubectl", "get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}")) {
		if strings.HasPrefix(name, "understudy-conformance-") {
			command(t, "kubectl", "wait", "--for=delete", "namespace/"+name, "--timeout=120s")
		}
	}
}
