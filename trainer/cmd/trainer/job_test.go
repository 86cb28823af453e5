package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"understudy.dev/service/token"
	"understudy.dev/trainer"
)

func TestAJobGoesFromOrderToArtefacts(t *testing.T) {
	w := newWorld(t)
	spec := w.spec()
	if j := w.put("m-1", spec); j.State.Finished() || j.ID != "m-1" {
		t.Errorf("accepted as %+v", j)
	}
	j := w.until("m-1", trainer.Succeeded)
	w.checkArtifacts(j)
	if j.Progress.Step != 5 || j.Provider.Name != "local" || j.Error != "" {
		t.Errorf("got %+v", j)
	}
	w.checkNothingLeft("m-1")
	if status, body := w.do("PUT", "/v1/jobs/m-1", spec); status != 200 || decode(t, body).State != trainer.Succeeded {
		t.Errorf("the same again: %d %s", status, body)
	}
	spec.Dataset.URL = "http://127.0.0.1:1/elsewhere"
	if status, body := w.do("PUT", "/v1/jobs/m-1", spec); status != 200 {
		t.Errorf("the same from elsewhere: %d %s", status, body)
	}
	spec.Hyperparameters = json.RawMessage(`{"epochs":2,"seed":1}`)
	if status, body := w.do("PUT", "/v1/jobs/m-1", spec); status != 409 {
		t.Errorf("another body: %d %s", status, body)
	}
	b, err := os.ReadFile(w.Dir + "/jobs/m-1.json")
	if err != nil || bytes.Contains(b, []byte(`"token"`)) {
		t.Errorf("the record keeps an agent's token after its end: %v %s", err, b)
	}
}

func TestWrongJobsAreRefusedWithTheReason(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		id     string
		change func(*trainer.Spec)
		says   string
	}{
		"an unknown provider":        {"j", func(s *trainer.Spec) { s.Provider = "moon" }, `provider "moon" is not known here; this trainer has: local`},
		"no address of the data set": {"j", func(s *trainer.Spec) { s.Dataset.URL = "" }, "dataset.url"},
		"an address without a host":  {"j", func(s *trainer.Spec) { s.Dataset.URL = "http://" }, "dataset.url"},
		"a short sha256":             {"j", func(s *trainer.Spec) { s.Dataset.SHA256 = "abc" }, "dataset.sha256"},
		"an upper-case sha256":       {"j", func(s *trainer.Spec) { s.Dataset.SHA256 = strings.Repeat("A", 64) }, "dataset.sha256"},
		"no pairs":                   {"j", func(s *trainer.Spec) { s.Dataset.Pairs = 0 }, "dataset.pairs"},
		"no time":                    {"j", func(s *trainer.Spec) { s.DeadlineSeconds = 0 }, "deadlineSeconds"},
		"milliseconds for seconds":   {"j", func(s *trainer.Spec) { s.DeadlineSeconds = 3600000 }, "deadlineSeconds"},
		"a negative budget":          {"j", func(s *trainer.Spec) { s.MaxCostUSD = -1 }, "maxCostUSD"},
		"no base":                    {"j", func(s *trainer.Spec) { s.Base = trainer.Base{} }, "base.name"},
		"hyperparameters as a list":  {"j", func(s *trainer.Spec) { s.Hyperparameters = json.RawMessage(`[1]`) }, "hyperparameters"},
		"no hyperparameters":         {"j", func(s *trainer.Spec) { s.Hyperparameters = nil }, "hyperparameters"},
		"an id that climbs":          {"..%2Fetc", func(*trainer.Spec) {}, "job id"},
		"an upper-case id":           {"J", func(*trainer.Spec) {}, "job id"},
		"a very long id":             {strings.Repeat("j", 101), func(*trainer.Spec) {}, "job id"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := w.spec()
			c.change(&spec)
			status, body := w.do("PUT", "/v1/jobs/"+c.id, spec)
			var problem struct{ Detail string }
			if err := json.Unmarshal(body, &problem); err != nil || status != 400 || !strings.Contains(problem.Detail, c.says) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	for name, body := range map[string]string{"no body": "", "no JSON": "{", "a list": "[]", "not UTF-8": "\xff"} {
		if status, answer := w.send("PUT", "/v1/jobs/j", serviceToken, strings.NewReader(body)); status != 400 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if status, _ := w.send("PUT", "/v1/jobs/j", serviceToken, strings.NewReader(`{"image":"`+strings.Repeat("x", 2<<20)+`"}`)); status != 413 {
		t.Errorf("a large body: %d", status)
	}
	if _, body := w.do("GET", "/v1/jobs", nil); string(body) != "{\"jobs\":[]}\n" {
		t.Errorf("a refused job is kept: %s", body)
	}
}

func TestOnlyTokensOpenTheDoors(t *testing.T) {
	w := newWorld(t)
	w.put("m-1", w.spec())
	j := w.until("m-1", trainer.Succeeded)
	path := "/v1/artifacts/" + j.Artifacts[0].SHA256
	pod := func(model string) string {
		raw, err := token.Sign(serviceToken, token.Claims{Model: model, Attempt: 1, Scope: token.ScopeServe})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, c := range map[string]struct {
		path, token string
		status      int
	}{
		"the service token reads an artefact":        {path, serviceToken, 200},
		"the model's own pod reads its artefact":     {path, pod("m"), 200},
		"another model's pod finds nothing":          {path, pod("other"), 404},
		"a model with the beginning of the name too": {path, pod("m-1"), 404},
		"a wrong token is turned away":               {path, "wrong", 401},
		"no token is turned away":                    {path, "", 401},
		"an unknown artefact is not found":           {"/v1/artifacts/" + strings.Repeat("0", 64), serviceToken, 404},
		"a path is no sha256":                        {"/v1/artifacts/..%2F..%2Fjobs%2Fm-1.json", serviceToken, 400},
		"a pod's token opens no job":                 {"/v1/jobs/m-1", pod("m"), 401},
		"a pod's token opens no list":                {"/v1/jobs", pod("m"), 401},
		"health is open":                             {"/healthz", "", 200},
		"an unknown job is not found":                {"/v1/jobs/none", serviceToken, 404},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := w.send("GET", c.path, c.token, nil); status != c.status {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestAnArtefactIsServedInRanges(t *testing.T) {
	w := newWorld(t)
	w.put("m-1", w.spec())
	j := w.until("m-1", trainer.Succeeded)
	req, _ := http.NewRequest("GET", w.URL+"/v1/artifacts/"+j.Artifacts[0].SHA256, nil)
	req.Header.Set("Authorization", "Bearer "+serviceToken)
	req.Header.Set("Range", "bytes=100-199")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 206 || res.ContentLength != 100 || res.Header.Get("ETag") != `"`+j.Artifacts[0].SHA256+`"` {
		t.Errorf("%d, %d bytes, %v", res.StatusCode, res.ContentLength, res.Header)
	}
}

func TestJobsTakeTurnsAndACancelledOneMakesRoom(t *testing.T) {
	w := newWorld(t)
	w.Control.Hold("training")
	w.put("a-1", w.spec())
	w.until("a-1", trainer.Training)
	w.put("b-1", w.spec())
	w.put("c-1", w.spec())
	if j := w.get("b-1"); j.State != trainer.Queued {
		t.Errorf("the second job is %s", j.State)
	}
	if status, body := w.do("DELETE", "/v1/jobs/c-1", nil); status != 202 || decode(t, body).State != trainer.Cancelled {
		t.Errorf("cancel a queued job: %d %s", status, body)
	}
	if status, body := w.do("DELETE", "/v1/jobs/a-1", nil); status != 202 || decode(t, body).State != trainer.Cancelled {
		t.Errorf("cancel: %d %s", status, body)
	}
	w.until("b-1", trainer.Training)
	if alive := w.Control.Alive(); len(alive) != 1 {
		t.Errorf("%d agents run", len(alive))
	}
	w.Control.Release("training")
	w.until("b-1", trainer.Succeeded)
	if j := w.get("a-1"); j.State != trainer.Cancelled {
		t.Errorf("the cancelled job is %s", j.State)
	}
	w.checkNothingLeft("a-1")
}

func TestARemovedJobTakesItsFilesButNotThoseOfOthers(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a-1", "b-1"} {
		w.put(id, w.spec())
	}
	a, b := w.until("a-1", trainer.Succeeded), w.until("b-1", trainer.Succeeded)
	w.checkNothingLeft("a-1")
	shared := a.Artifacts[0]
	// Two jobs that made the same file: b's record names a's adapter too.
	w.kill(9)
	record, err := os.ReadFile(w.Dir + "/jobs/b-1.json")
	if err != nil {
		t.Fatal(err)
	}
	record = bytes.ReplaceAll(record, []byte(b.Artifacts[0].SHA256), []byte(shared.SHA256))
	if err := os.WriteFile(w.Dir+"/jobs/b-1.json", record, 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if status, body := w.do("DELETE", "/v1/jobs/a-1", nil); status != 204 {
		t.Fatalf("%d %s", status, body)
	}
	if status, _ := w.do("GET", "/v1/jobs/a-1", nil); status != 404 {
		t.Errorf("the job is still there: %d", status)
	}
	if status, _ := w.do("GET", "/v1/artifacts/"+shared.SHA256, nil); status != 200 {
		t.Errorf("the shared artefact: %d", status)
	}
	if status, _ := w.do("DELETE", "/v1/jobs/b-1", nil); status != 204 {
		t.Errorf("the second removal: %d", status)
	}
	left, err := os.ReadDir(w.Dir + "/artifacts")
	if err != nil || len(left) != 0 {
		t.Errorf("%d artefacts are left, %v", len(left), err)
	}
	if status, _ := w.do("DELETE", "/v1/jobs/b-1", nil); status != 404 {
		t.Errorf("a removal again: %d", status)
	}
}
