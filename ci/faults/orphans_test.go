package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// stray makes a pod that no trainer knows of.
func (w *world) stray(name string) string {
	w.Helper()
	body := fmt.Sprintf(`{"name":%q,"image":"i","gpu":{"id":"NVIDIA L4"},"ports":["8000/http"],"env":{"AGENT_DIR":"/a","LISTEN_ADDR":"0.0.0.0:8000","AGENT_TOKEN":"t"}}`, name)
	req, err := http.NewRequest("POST", w.simURL+"/v2/pods", strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	var p struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil || res.StatusCode != 201 {
		w.Fatalf("%d %v", res.StatusCode, err)
	}
	return p.ID
}

// living are the ids of the pods that there are.
func (w *world) living() []string {
	var ids []string
	for _, p := range w.sim.State().Pods {
		if p.Status != "TERMINATED" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// command runs a command of the trainer's program.
func (w *world) command(args ...string) (status int, stdout, stderr string) {
	w.Helper()
	cmd := exec.Command(trainerProgram, args...)
	cmd.Env = w.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

const installation = "abcd1234"

func TestOnlyPodsOfThisInstallationWithoutAJobAreEnded(t *testing.T) {
	w := newWorld(t, setup{env: []string{"INSTALL_ID=" + installation}})
	theirs := []string{w.stray("understudy-abcd12345-m-1"), w.stray("understudy-other123-m-1"), w.stray("somebody's pod"), w.stray("understudy-" + installation)}
	ours := w.stray("understudy-" + installation + "-gone-1")
	w.hold("training", true)
	w.start()
	w.await("the reaper has ended it at the start", func() bool { return !slices.Contains(w.living(), ours) })
	w.put()
	w.until("training")
	working := w.get().Provider.ID
	late := w.stray("understudy-" + installation + "-gone-2")
	double := w.stray("understudy-" + installation + "-" + jobID)
	w.await("what comes later is ended too", func() bool { l := w.living(); return !slices.Contains(l, late) && !slices.Contains(l, double) })
	for _, id := range append(theirs, working) {
		if !slices.Contains(w.living(), id) {
			t.Errorf("the pod %s was ended", id)
		}
	}
	w.hold("training", false)
	if j := w.result(); j.State != "succeeded" {
		t.Errorf("%+v", j)
	}
	w.await("the job's own pod is ended", func() bool { return len(w.living()) == len(theirs) })
}

func TestOrphansAreListedAndEndedByHand(t *testing.T) {
	w := newWorld(t, setup{env: []string{"INSTALL_ID=" + installation, "RUNPOD_CONTACT_TIMEOUT=1h"}})
	w.hold("training", true)
	w.start()
	w.put()
	w.until("training")
	working := w.get().Provider.ID
	w.kill() // nobody reaps now
	orphan := w.stray("understudy-" + installation + "-gone-1")
	theirs := w.stray("understudy-other123-m-1")

	status, out, errs := w.command("orphans", "-o", "json")
	var listed struct {
		Pods []struct {
			Pod, Job, JobState string
			Orphan, Ended      bool
		}
	}
	if err := json.Unmarshal([]byte(out), &listed); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s %s", status, err, out, errs)
	}
	got := map[string]bool{}
	for _, p := range listed.Pods {
		got[p.Pod] = p.Orphan
	}
	if len(got) != 2 || !got[orphan] || got[working] {
		t.Errorf("listed %s", out)
	}
	status, out, errs = w.command("orphans", "--end")
	if status != 0 || !strings.Contains(out, "no: ended now") || !strings.Contains(out, "yes: the job is training") {
		t.Errorf("status %d: %s %s", status, out, errs)
	}
	if l := w.living(); slices.Contains(l, orphan) || !slices.Contains(l, working) || !slices.Contains(l, theirs) {
		t.Errorf("left: %v", l)
	}
	w.hold("training", false)
	w.revive()
	if j := w.result(); j.State != "succeeded" {
		t.Errorf("%+v", j)
	}
}

func TestOrphansSaysWhatItLacks(t *testing.T) {
	w := newWorld(t, setup{})
	if status, out, errs := w.command("orphans"); status != 1 || out != "" || !strings.Contains(errs, "UNDERSTUDY_DATA_DIR has to be the trainer's") {
		t.Errorf("without a store: %d %s %s", status, out, errs)
	}
	w.env = append(w.env, "RUNPOD_API_KEY=")
	if status, _, errs := w.command("orphans"); status != 1 || !strings.Contains(errs, "RUNPOD_API_KEY") {
		t.Errorf("without a key: %d %s", status, errs)
	}
	if status, _, errs := w.command("orphans", "--what"); status != 2 || !strings.Contains(errs, "what") {
		t.Errorf("an unknown flag: %d %s", status, errs)
	}
}

func TestWithoutAKeyItsJobsAreRefusedAndTheServiceStaysUp(t *testing.T) {
	for name, c := range map[string]struct{ env, says string }{
		"no key":   {"RUNPOD_API_KEY=", "RUNPOD_API_KEY is not set"},
		"no image": {"AGENT_IMAGE=", "AGENT_IMAGE is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, setup{env: []string{c.env}})
			w.start()
			if !strings.Contains(w.printed(), c.says) {
				t.Errorf("the start does not say it: %s", w.printed())
			}
			w.spec["dataset"] = map[string]any{"url": w.data.URL, "sha256": strings.Repeat("0", 64), "pairs": 1}
			if status, answer := w.do("PUT", "/v1/jobs/"+jobID, w.spec); status != 400 || !strings.Contains(string(answer), c.says) {
				t.Errorf("%d %s", status, answer)
			}
			if status, _ := w.do("GET", "/readyz", nil); status != 200 {
				t.Errorf("not ready: %d", status)
			}
		})
	}
}
