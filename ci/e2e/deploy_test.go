package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// TestDeploy runs `make deploy` and `make undeploy`: the first leaves a
// platform that is reached at localhost, the second nothing.
func TestDeploy(t *testing.T) {
	begin(t)
	t.Cleanup(func() { leave(t) })
	before := standing(t)
	make := func(target string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", target)
		cmd.Dir = platform.Root(t)
		cmd.WaitDelay = time.Second // what it leaves running must not hold the test up
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make %s: %v\n%s", target, err, out)
		}
		t.Logf("make %s\n%s", target, out)
	}
	began := time.Now()
	make("deploy")
	result(t, "make deploy: %.0f s", time.Since(began).Seconds())
	forwards := forwarded(t)
	if len(forwards) != 4 {
		t.Errorf("port forwards: %v", forwards)
	}
	for _, url := range []string{"http://localhost:8000/readyz", "http://localhost:8000/docs", "http://localhost:3000/"} {
		res, err := http.Get(url)
		if err != nil {
			t.Error(err)
			continue
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	for _, address := range []string{"localhost:5432", "localhost:6379"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			continue
		}
		conn.Close()
	}
	image := func() string {
		return kubectl(t, "get", "deployment", "backend", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
	}
	first := image()
	make("deploy") // again: an upgrade that changes nothing
	if again := image(); again != first || !regexp.MustCompile(`understudy-backend:[0-9a-f]{12}$`).MatchString(first) {
		t.Errorf("the same image was deployed as %s, then as %s", first, again)
	}
	began = time.Now()
	make("undeploy")
	result(t, "make undeploy: %.0f s", time.Since(began).Seconds())
	for _, process := range platform.Alive(forwards) {
		t.Errorf("still runs: %s", process.Command)
	}
	deadline := time.Now().Add(time.Minute) // a volume is emptied before it is offered again
	left := added(before, standing(t))
	for len(left) > 0 && time.Now().Before(deadline) {
		time.Sleep(time.Second)
		left = added(before, standing(t))
	}
	result(t, "left of it: %d objects, claims and volumes included, and %d port forwards", len(left), len(forwarded(t)))
	for _, object := range left {
		t.Errorf("%s is left", object)
	}
	make("undeploy") // of what is not there
}

// added are the objects of now that were not there before.
func added(before, now map[string]bool) []string {
	var out []string
	for object := range now {
		if !before[object] {
			out = append(out, object)
		}
	}
	slices.Sort(out)
	return out
}

// forwarded are the port forwards that `make deploy` has started.
func forwarded(t *testing.T) []platform.Process {
	t.Helper()
	var out []platform.Process
	for _, p := range platform.Processes() {
		cwd, _ := os.Readlink(filepath.Join("/proc", fmt.Sprint(p.PID), "cwd"))
		if strings.HasPrefix(p.Command, "kubectl port-forward -n understudy") && cwd == platform.Root(t) {
			out = append(out, p)
		}
	}
	return out
}

// standing is everything in the cluster that somebody made, by kind,
// namespace and name: what comes and goes by itself is not in it.
func standing(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, scope := range []string{"true", "false"} {
		kinds := strings.Fields(command(t, "kubectl", "api-resources", "--verbs=list", "-o", "name", "--namespaced="+scope))
		var list struct {
			Items []struct {
				Kind     string
				Metadata struct{ Namespace, Name string }
				Spec     struct{ ClaimRef *struct{ Name string } }
			}
		}
		var wanted []string
		for _, k := range kinds {
			if !strings.HasPrefix(k, "events") && !strings.HasPrefix(k, "leases") && !strings.Contains(k, "metrics.k8s.io") && !strings.HasPrefix(k, "componentstatuses") {
				wanted = append(wanted, k)
			}
		}
		must(t, json.Unmarshal([]byte(command(t, "kubectl", "get", strings.Join(wanted, ","), "-A", "-o", "json")), &list))
		for _, o := range list.Items {
			key := o.Kind + " " + o.Metadata.Namespace + "/" + o.Metadata.Name
			if o.Spec.ClaimRef != nil {
				key += " of claim " + o.Spec.ClaimRef.Name
			}
			out[key] = true
		}
	}
	return out
}
