package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// trouble is something that goes wrong in a cluster. Where says is not empty,
// the model's status must say it until mend, if there is one, has mended it;
// without mend the platform repairs it alone. In the end the SLM answers.
type trouble struct {
	name string
	make func(t *testing.T, w *world)
	says string
	mend func(t *testing.T, w *world)
	also func(t *testing.T, w *world) // what must hold afterwards
}

// TestRepairs makes one trouble after another for a model on stage: each ends
// in a status that says what is wrong, and in an SLM that answers again.
func TestRepairs(t *testing.T) {
	w := install(t)
	w.deployed(t, "tiny", map[string]any{"slmTotalTimeoutSeconds": 5})
	pod := "" // of the model, where it must stay
	troubles := []trouble{
		{name: "its Service is deleted", make: remove("service/slm-tiny-v1"), also: has("service/slm-tiny-v1")},
		{
			name: "its Service leads nowhere", says: "Delete the Service",
			make: func(t *testing.T, _ *world) {
				kubectl(t, "patch", "service", "slm-tiny-v1", "--type=merge", "-p", `{"spec":{"selector":{"app":"nothing"}}}`)
			},
			mend: remove("service/slm-tiny-v1"),
		},
		{name: "its Deployment is deleted", make: remove("deployment/slm-tiny-v1"), also: has("deployment/slm-tiny-v1")},
		{name: "its autoscaler is deleted", make: remove("hpa/slm-tiny-v1"), also: w.eventually("hpa/slm-tiny-v1")},
		{name: "its release is uninstalled by hand", also: w.listed, make: func(t *testing.T, _ *world) {
			command(t, "helm", "uninstall", "slm-tiny-v1", "-n", namespace)
		}},
		{name: "its token is deleted, and its pod", also: has("secret/slm-tiny-v1-token"), make: func(t *testing.T, _ *world) {
			kubectl(t, "delete", "secret/slm-tiny-v1-token")
			kubectl(t, "delete", "pod", "-l", "app=slm-inference", "--grace-period=0", "--force")
		}},
		{
			name: "its release record is spoilt",
			make: func(t *testing.T, _ *world) {
				pod = items(t, "pods", "-l", "app=slm-inference")[0]
				kubectl(t, "patch", "secret", newest(t, "slm-tiny-v1"), "--type=merge", "-p", `{"data":{"release":"c3BvaWx0"}}`)
			},
			also: func(t *testing.T, w *world) {
				w.listed(t, w)
				if now := items(t, "pods", "-l", "app=slm-inference"); len(now) != 1 || now[0] != pod {
					t.Errorf("the pod %s became %v", pod, now)
				}
			},
		},
		{
			name: "a killed backend left it pending", also: w.listed,
			make: func(t *testing.T, _ *world) { leavePending(t, "slm-tiny-v1", 3*time.Minute) },
		},
		{
			name: "the namespace's quota has no room", says: "quota has no room",
			make: func(t *testing.T, _ *world) {
				kubectl(t, "create", "quota", "full", "--hard=pods=1")
				kubectl(t, "delete", "pod", "-l", "app=slm-inference", "--grace-period=0", "--force")
			},
			mend: func(t *testing.T, _ *world) { kubectl(t, "delete", "quota", "full") },
		},
		{
			name: "the volume of the base models is gone", says: "volume of its pod is not there",
			make: anew("slm.values.base.existingClaim.name=none"), mend: asInstalled,
		},
		{
			name: "its image cannot be pulled", says: "cannot be pulled",
			make: anew("slm.image.repository=registry.invalid/none"), mend: asInstalled,
		},
		{
			name: "no node has room", says: "No node has room",
			make: anew("slm.values.resources.requests.cpu=100", "slm.values.resources.limits.cpu=100"), mend: asInstalled,
		},
		{
			name: "the leader is killed amid an install", says: "pending-install", also: w.listed,
			make: func(t *testing.T, w *world) {
				w.leaveStage(t, "tiny-v1")
				w.killAmidInstall(t, "tiny-v1")
			},
		},
		{
			name: "two backends take themselves for the leader", also: w.listed,
			make: func(t *testing.T, w *world) {
				w.leaveStage(t, "tiny-v1")
				w.twoLeaders(t, "tiny-v1")
			},
		},
	}
	var table strings.Builder
	for _, x := range troubles {
		t.Run(x.name, func(t *testing.T) {
			began, said := time.Now(), ""
			x.make(t, w)
			if x.says != "" {
				said = w.says(t, "tiny-v1", x.says)
			}
			if x.mend != nil {
				x.mend(t, w)
			}
			w.reaches(t, "tiny-v1", "deployed", patience)
			w.served(t, "tiny")
			if x.also != nil {
				x.also(t, w)
			}
			line := fmt.Sprintf("%-45s the SLM answers after %3.0f s", x.name, time.Since(began).Seconds())
			if said != "" {
				line += fmt.Sprintf("; its status said: %.150s", said)
			}
			t.Log(line)
			table.WriteString("\n" + line)
		})
	}
	result(t, "%s", strings.TrimSpace(table.String()))
}

// remove deletes an object as a person would who should not.
func remove(object string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		uid := kubectl(t, "get", object, "-o", "jsonpath={.metadata.uid}")
		kubectl(t, "delete", object)
		w.await(t, patience, func() bool {
			now, err := try(t, "kubectl", "-n", namespace, "get", object, "-o", "jsonpath={.metadata.uid}")
			return err == nil && now != uid
		}, func() string { return object + " was not made again" })
	}
}

func has(object string) func(*testing.T, *world) {
	return func(t *testing.T, _ *world) { kubectl(t, "get", object) }
}

func (w *world) eventually(object string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.await(t, patience, func() bool {
			_, err := try(t, "kubectl", "-n", namespace, "get", object)
			return err == nil
		}, func() string { return object + " was not made again" })
	}
}

// listed waits until helm shows the release deployed.
func (w *world) listed(t *testing.T, _ *world) {
	t.Helper()
	w.await(t, patience, func() bool {
		var list []struct{ Name, Status string }
		must(t, json.Unmarshal([]byte(command(t, "helm", "list", "-n", namespace, "-a", "-f", "^slm-", "-o", "json")), &list))
		return len(list) == 1 && list[0].Name == "slm-tiny-v1" && list[0].Status == "deployed"
	}, func() string { return command(t, "helm", "list", "-n", namespace, "-a") })
}

// says waits until a model's status says something.
func (w *world) says(t *testing.T, model, want string) string {
	t.Helper()
	var m platform.Model
	w.await(t, patience, func() bool {
		var err error
		m, err = w.Model(model)
		must(t, err)
		return strings.Contains(m.Reason, want)
	}, func() string { return fmt.Sprintf("%s is %s and says %q, not %q", model, m.Phase, m.Reason, want) })
	return m.Phase + ": " + m.Reason
}

// leaveStage undeploys a model and waits until its release is gone.
func (w *world) leaveStage(t *testing.T, model string) {
	t.Helper()
	must(t, w.API("POST", "/models/"+model+"/undeploy", nil, nil))
	w.await(t, patience, func() bool {
		m, err := w.Model(model)
		must(t, err)
		return m.Phase == "available" && m.Release == ""
	}, func() string { return model + " does not leave the stage" })
}

// anew takes the model off and deploys it with other values.
func anew(set ...string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.leaveStage(t, "tiny-v1")
		w.upgrade(t, set...)
		must(t, w.API("POST", "/models/tiny-v1/deploy", map[string]any{}, nil))
	}
}

func asInstalled(t *testing.T, w *world) { w.upgrade(t) }

func (w *world) upgrade(t *testing.T, set ...string) {
	t.Helper()
	args := []string{"upgrade", "understudy", "charts/understudy", "-n", namespace, "-f", "ci/e2e/values.yaml", "--wait", "--timeout", "5m"}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	command(t, "helm", args...)
	replaced(t)
}

// newest is the Secret of a release's newest revision.
func newest(t *testing.T, release string) string {
	t.Helper()
	names := items(t, "secrets", "-l", "owner=helm,name="+release, "--sort-by=.metadata.creationTimestamp")
	if len(names) == 0 {
		t.Fatalf("release %s has no record", release)
	}
	return names[len(names)-1]
}

// leavePending makes a release look as a process leaves it that was killed in
// an upgrade, age ago.
func leavePending(t *testing.T, release string, age time.Duration) {
	t.Helper()
	name := newest(t, release)
	var s struct{ Data map[string][]byte }
	must(t, json.Unmarshal([]byte(kubectl(t, "get", "secret", name, "-o", "json")), &s))
	packed, err := base64.StdEncoding.DecodeString(string(s.Data["release"]))
	must(t, err)
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	must(t, err)
	var record map[string]any
	must(t, json.NewDecoder(unzip).Decode(&record))
	info := record["info"].(map[string]any)
	info["status"], info["last_deployed"] = "pending-upgrade", time.Now().Add(-age).Format(time.RFC3339Nano)
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	must(t, json.NewEncoder(zip).Encode(record))
	must(t, zip.Close())
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": map[string]string{"status": "pending-upgrade"}},
		"data":     map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(zipped.Bytes()))},
	})
	must(t, err)
	kubectl(t, "patch", "secret", name, "--type=merge", "-p", string(patch))
}
