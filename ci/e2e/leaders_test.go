package e2e

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// leader is the pod that holds the lease.
func leader(t *testing.T) string {
	t.Helper()
	pod, holder := leads(t)
	if pod == "" {
		t.Fatalf("nobody leads: the lease is held by %q", holder)
	}
	return pod
}

// leads is leader where there may be none: a pod that has just ended may
// still hold the lease, or have given it back.
func leads(t *testing.T) (pod, holder string) {
	t.Helper()
	holder = kubectl(t, "get", "lease", "understudy-leader", "-o", "jsonpath={.spec.holderIdentity}")
	for _, pod := range items(t, "pods", "-l", "app=backend") {
		if strings.HasPrefix(holder, pod) {
			return pod, holder
		}
	}
	return "", holder
}

// kill ends a pod's process as kill -9 does.
func kill(t *testing.T, pod string) {
	t.Helper()
	must(t, signal(process(t, pod), "KILL"))
}

// process is the pid of a backend: the node is this machine.
func process(t *testing.T, pod string) int {
	t.Helper()
	uid := strings.TrimSpace(kubectl(t, "get", "pod", pod, "-o", "jsonpath={.metadata.uid}"))
	for _, p := range platform.Processes() {
		if strings.HasPrefix(p.Command, "understudy serve") && p.InPod(uid) {
			return p.PID
		}
	}
	t.Fatalf("the process of %s is not on this machine", pod)
	return 0
}

func signal(pid int, name string) error { return exec.Command("kill", "-"+name, fmt.Sprint(pid)).Run() }

const webhook = "understudy-e2e-amid-install"

// killAmidInstall deploys a model and kills the leader in the middle of Helm's
// work: the API server asks before it takes the Service, and then it happens.
func (w *world) killAmidInstall(t *testing.T, model string) {
	t.Helper()
	pid := process(t, leader(t))
	active, killed := make(chan struct{}), make(chan error)
	var first, last sync.Once
	asked := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Request struct {
				UID    string
				DryRun bool
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		if in.Request.DryRun {
			first.Do(func() { close(active) })
		} else {
			last.Do(func() { killed <- signal(pid, "KILL") })
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": map[string]any{"uid": in.Request.UID, "allowed": true}})
	}))
	defer asked.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: asked.Certificate().Raw})
	apply(t, fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: %[1]s}
webhooks:
  - name: amid.understudy.dev
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: {url: "%[2]s", caBundle: %[3]s}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[4]s}}
    objectSelector: {matchLabels: {app: slm-inference}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services]}]
`, webhook, asked.URL, base64.StdEncoding.EncodeToString(ca), namespace))
	unhook := func() {
		_ = exec.Command("kubectl", "delete", "validatingwebhookconfiguration", webhook, "--ignore-not-found").Run()
	}
	t.Cleanup(unhook)
	w.await(t, time.Minute, func() bool { // until the server asks: a dry run is asked about too
		kubectl(t, "create", "-f", "ci/e2e/service.yaml", "--dry-run=server")
		select {
		case <-active:
			return true
		default:
			return false
		}
	}, func() string { return "the API server does not ask" })
	must(t, w.API("POST", "/models/"+model+"/deploy", map[string]any{}, nil))
	select {
	case err := <-killed:
		must(t, err)
	case <-time.After(patience):
		t.Fatal("no installation has begun")
	}
	unhook()
	if got := kubectl(t, "get", "secrets", "-l", "owner=helm,name=slm-"+model, "-o", "jsonpath={.items[*].metadata.labels.status}"); got != "pending-install" {
		t.Fatalf("the leader was killed amid an installation and the release is %q", got)
	}
}

// twoLeaders holds the leader still until another replica leads, while a
// deployment is ordered, and lets it go on.
func (w *world) twoLeaders(t *testing.T, model string) {
	t.Helper()
	old := leader(t)
	restarts := kubectl(t, "get", "pod", old, "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
	pid := process(t, old)
	must(t, signal(pid, "STOP"))
	let := func() { _ = signal(pid, "CONT") }
	t.Cleanup(let)
	w.await(t, time.Minute, func() bool {
		holder := kubectl(t, "get", "lease", "understudy-leader", "-o", "jsonpath={.spec.holderIdentity}")
		return holder != "" && !strings.HasPrefix(holder, old)
	}, func() string { return "nobody takes over" })
	http.DefaultClient.CloseIdleConnections() // one of them may lead to the process that stands still
	must(t, w.API("POST", "/models/"+model+"/deploy", map[string]any{}, nil))
	let()
	w.reaches(t, model, "deployed", patience)
	if now := leader(t); now == old {
		t.Errorf("%s leads again", old)
	}
	w.await(t, time.Minute, func() bool {
		return strings.Contains(kubectl(t, "logs", old, "--tail=200"), "lifecycle has stopped leading")
	}, func() string { return old + " has not stopped leading" })
	if now := kubectl(t, "get", "pod", old, "-o", "jsonpath={.status.containerStatuses[0].restartCount}"); now != restarts {
		t.Errorf("%s was started again", old)
	}
	m, err := w.Model(model)
	must(t, err)
	if history := strings.Count(command(t, "helm", "history", m.Release, "-n", namespace), "serve:"); history != 1 {
		t.Errorf("%d revisions of one deployment", history)
	}
}
