package localnode

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/service/child/childtest"
)

func secretObject(name, token string) m {
	return m{"apiVersion": "v1", "kind": "Secret", "metadata": m{"name": name}, "stringData": m{"token": token}}
}

func TestAContainerFindsItsEnvironmentAndVolumes(t *testing.T) {
	s, c := start(t)
	weights := filepath.Join(t.TempDir(), "base.gguf")
	if err := os.WriteFile(weights, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustApply(t, c, secretObject("slm-token", "s3cret"))
	box := container(m{
		"MODEL_DIR": "/model", "TOKEN_FILE": "/token/token", "BASE_FILE": "/base/base.gguf", "DEEP": "/model/a/b", "PLAIN": "/models",
		"NAME": m{"fieldRef": m{"fieldPath": "metadata.name"}}, "NAMESPACE": m{"fieldRef": m{"fieldPath": "metadata.namespace"}},
		"VERSION":   m{"fieldRef": m{"fieldPath": "metadata.labels['understudy.dev/version']"}},
		"CPU_LIMIT": m{"resourceFieldRef": m{"resource": "limits.cpu", "divisor": "1"}},
		"TOKEN":     m{"secretKeyRef": m{"name": "slm-token", "key": "token"}},
		"MAYBE":     m{"secretKeyRef": m{"name": "slm-token", "key": "none", "optional": true}},
	})
	box["args"] = []any{"--dir", "/model/x"}
	box["resources"] = m{"limits": m{"cpu": "400", "memory": "8Gi"}}
	box["volumeMounts"] = []any{m{"name": "model", "mountPath": "/model"}, m{"name": "token", "mountPath": "/token", "readOnly": true},
		m{"name": "base", "mountPath": "/base/base.gguf", "readOnly": true}}
	mustApply(t, c, deploymentObject("slm", box, m{"volumes": []any{
		m{"name": "model", "emptyDir": m{}}, m{"name": "base", "hostPath": m{"path": weights, "type": "File"}},
		m{"name": "token", "secret": m{"secretName": "slm-token", "items": []any{m{"key": "token", "path": "token"}}}}}}))

	w := await(t, c, "slm", "ready", ready)
	env := environmentOf(t, awaitKnown(t, c, "slm", 1)[0])
	pod := filepath.Join(s.cfg.DataDir, "pods", w.Pods[0].Name, "volumes")
	want := map[string]string{
		"MODEL_DIR": pod + "/model", "TOKEN_FILE": pod + "/token/token", "BASE_FILE": weights, "DEEP": pod + "/model/a/b", "PLAIN": "/models",
		"NAME": w.Pods[0].Name, "NAMESPACE": "ns", "VERSION": "3", "CPU_LIMIT": strconv.Itoa(runtime.NumCPU()), "TOKEN": "s3cret",
		"ARGS": "--dir " + pod + "/model/x", "LISTEN_ADDR": strings.TrimPrefix(c.Ready("slm")[0], "http://"),
	}
	for k, v := range want {
		if env[k] != v {
			t.Errorf("%s is %q, want %q", k, env[k], v)
		}
	}
	if _, ok := env["MAYBE"]; ok {
		t.Error("an optional variable without its secret's key is set")
	}
	if b, err := os.ReadFile(pod + "/token/token"); err != nil || string(b) != "s3cret" {
		t.Errorf("the token's file has %q, %v", b, err)
	}
	if info, err := os.Stat(pod + "/token/token"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file has mode %v, %v", info.Mode(), err)
	}

	if err := c.Delete(t.Context(), Ref{kindDeployment, "slm"}); err != nil {
		t.Fatal(err)
	}
	s.pods.Wait()
	if exists(filepath.Dir(pod)) {
		t.Error("the pod's volumes outlive it")
	}
	if !exists(weights) {
		t.Error("a host file went with the pod")
	}
}

func TestScaleToZeroAndBack(t *testing.T) {
	s, c := start(t)
	object := deploymentObject("slm", container(nil), nil)
	mustApply(t, c, object)
	w := await(t, c, "slm", "ready", ready)
	if err := c.Scale(t.Context(), "slm", 0, w.Version); err != nil {
		t.Fatal(err)
	}
	s.pods.Wait()
	awaitKnown(t, c, "slm", 0)
	if err := c.Scale(t.Context(), "slm", 1, w.Version); !errors.Is(err, understudy.ErrStale) {
		t.Fatalf("scaling with an old version gives %v", err)
	}
	// An upgrade does not wake it.
	object["metadata"].(m)["labels"] = m{"new": "label"}
	mustApply(t, c, object)
	state, err := c.State(t.Context(), "slm")
	if err != nil || state.Replicas != 0 || !state.Exists {
		t.Fatalf("after an upgrade: %+v, %v", state, err)
	}
	if err := c.Scale(t.Context(), "slm", 1, state.Version); err != nil {
		t.Fatal(err)
	}
	await(t, c, "slm", "ready again", ready)
	if status, _ := get(t, awaitKnown(t, c, "slm", 1)[0]+"/healthz"); status != http.StatusOK {
		t.Errorf("it answers %d", status)
	}
}

func TestANewTemplateReplacesAPodWhenTheNewOneIsReady(t *testing.T) {
	_, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(m{"ADAPTER": "one"}), nil))
	await(t, c, "slm", "ready", ready)
	old := awaitKnown(t, c, "slm", 1)[0]

	mustApply(t, c, deploymentObject("slm", container(m{"ADAPTER": "two", "FAKEPOD_NEVER_READY": "1"}), nil))
	w := await(t, c, "slm", "loading", func(w Workload) bool { return strings.Contains(w.Reason, "the model is loading") })
	if len(w.Addresses) != 1 || w.Addresses[0] != old || w.Ready != 0 {
		t.Fatalf("while the new pod loads: %+v", w)
	}

	mustApply(t, c, deploymentObject("slm", container(m{"ADAPTER": "three"}), nil))
	await(t, c, "slm", "rolled", func(w Workload) bool { return ready(w) && len(w.Pods) == 1 })
	now := awaitKnown(t, c, "slm", 1)[0]
	if env := environmentOf(t, now); env["ADAPTER"] != "three" {
		t.Errorf("the adapter is %q", env["ADAPTER"])
	}
	if now == old {
		t.Error("the old pod is still there")
	}
}

func TestAContainerThatCrashesIsStartedAgainAndSaysWhy(t *testing.T) {
	_, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(m{"FAKEPOD_CRASH": "the adapter is for another base"}), nil))
	w := await(t, c, "slm", "crashing", func(w Workload) bool { return len(w.Pods) == 1 && w.Pods[0].Restarts >= 2 })
	for _, want := range []string{"CrashLoopBackOff", "exit status 3", "the adapter is for another base"} {
		if !strings.Contains(w.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, w.Reason)
		}
	}
	if len(w.Addresses) != 0 {
		t.Errorf("a crashing pod has addresses %v", w.Addresses)
	}
	// What helps is a new template: the crashing pod must not be waited for.
	mustApply(t, c, deploymentObject("slm", container(nil), nil))
	await(t, c, "slm", "ready", func(w Workload) bool { return ready(w) && len(w.Pods) == 1 })
}

func TestProbesAreHeeded(t *testing.T) {
	_, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(nil), nil))
	await(t, c, "slm", "ready", ready)
	base := awaitKnown(t, c, "slm", 1)[0]

	get(t, base+"/unready")
	w := await(t, c, "slm", "unready", func(w Workload) bool { return w.Ready == 0 })
	if len(w.Addresses) != 0 || !strings.Contains(w.Reason, "the model is loading") {
		t.Errorf("unready: %+v", w)
	}
	get(t, base+"/unhealthy")
	await(t, c, "slm", "restarted", func(w Workload) bool { return ready(w) && w.Pods[0].Restarts == 1 })

	get(t, awaitKnown(t, c, "slm", 1)[0]+"/exit")
	await(t, c, "slm", "restarted after an exit", func(w Workload) bool { return ready(w) && w.Pods[0].Restarts == 2 })
}

func TestAPodThatIgnoresSIGTERMIsKilled(t *testing.T) {
	s, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(m{"FAKEPOD_STUBBORN": "1"}), m{"terminationGracePeriodSeconds": 1}))
	w := await(t, c, "slm", "ready", ready)
	if err := c.Delete(t.Context(), Ref{kindDeployment, "slm"}); err != nil {
		t.Fatal(err)
	}
	s.pods.Wait()
	childtest.AwaitEnd(t, w.Pods[0].PID)
	if err := c.Delete(t.Context(), Ref{kindDeployment, "slm"}); understudy.CodeOf(err) != understudy.NotFound {
		t.Errorf("deleting twice gives %v", err)
	}
}

func TestAMissingSecretIsWaitedFor(t *testing.T) {
	_, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(m{"TOKEN": m{"secretKeyRef": m{"name": "late", "key": "token"}}}), nil))
	w := await(t, c, "slm", "waiting", func(w Workload) bool { return strings.Contains(w.Reason, `secret "late" is not there`) })
	if w.Ready != 0 {
		t.Errorf("%+v", w)
	}
	mustApply(t, c, secretObject("late", "x"))
	await(t, c, "slm", "ready", ready)
}
