package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/fakeagent"
)

// remote is a trainer beside an agent that somebody else runs.
type remote struct {
	*world
	agent   *fakeagent.Agent
	handler atomic.Pointer[fakeagent.Agent]
}

func newRemote(t *testing.T, intercept func(http.ResponseWriter, *http.Request) bool) *remote {
	r := &remote{}
	control := fakeagent.Control(t.TempDir())
	dir := t.TempDir()
	r.agent = fakeagent.New(dir, "fixed", control)
	r.agent.Intercept = intercept
	t.Cleanup(r.agent.Wait) // it may train on though its job has failed
	r.handler.Store(r.agent)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.handler.Load().ServeHTTP(w, q) }))
	t.Cleanup(srv.Close)
	r.world = newWorld(t, "AGENT_COMMAND=", "TRAINING_PROVIDER=static", "AGENT_URL="+srv.URL, "AGENT_TOKEN=fixed")
	r.Control = control
	return r
}

// job is one that names no provider.
func (r *remote) job() trainer.Spec {
	s := r.spec()
	s.Provider = ""
	return s
}

// first lets the first n requests of a kind be answered by f.
func first(n int32, method, path string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, path) || seen.Add(1) > n {
			return false
		}
		f(w, r)
		return true
	}
}

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
}

func TestPassingTroubleWithAnAgentIsMended(t *testing.T) {
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3145728")
		w.Write([]byte("m-1{\"epochs\":1"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, f := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"status answers 500":           first(3, "GET", "/v1/status", answer(500, "oops")),
		"status is a web page":         first(3, "GET", "/v1/status", answer(200, "<html>")),
		"status is in another shape":   first(3, "GET", "/v1/status", answer(200, `{"state":7}`)),
		"status knows another state":   first(3, "GET", "/v1/status", answer(200, `{"state":"dancing"}`)),
		"status breaks off":            first(3, "GET", "/v1/status", abort),
		"the upload answers 502":       first(2, "PUT", "/v1/dataset", answer(502, "")),
		"the upload says nonsense":     first(2, "PUT", "/v1/dataset", answer(200, `{"received":-4,"total":1}`)),
		"the order answers 503":        first(2, "POST", "/v1/train", answer(503, "")),
		"the order breaks off":         first(2, "POST", "/v1/train", abort),
		"an artefact answers 504":      first(2, "GET", "/v1/artifacts/", answer(504, "")),
		"an artefact breaks off":       first(2, "GET", "/v1/artifacts/adapter.gguf", half),
		"an artefact is garbage once":  first(1, "GET", "/v1/artifacts/adapter.gguf", answer(200, "garbage")),
		"an artefact is too long once": first(1, "GET", "/v1/artifacts/manifest.json", answer(200, strings.Repeat("x", 1<<20))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t, f)
			r.put("m-1", r.job())
			j := r.until("m-1", trainer.Succeeded)
			r.checkArtifacts(j)
			if n := r.Control.Count("train true") + r.Control.Count("train false"); n != 1 {
				t.Errorf("trained %d times: %q", n, r.Control.Events())
			}
			if j.Provider.Name != "static" {
				t.Errorf("trained by %q", j.Provider.Name)
			}
		})
	}
}

func TestLastingTroubleWithAnAgentFailsTheJobWithTheReason(t *testing.T) {
	always := int32(1 << 30)
	manifest := func(body string) func(http.ResponseWriter, *http.Request) bool {
		return first(always, "GET", "/v1/status", answer(200, body))
	}
	hex := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		f    func(http.ResponseWriter, *http.Request) bool
		says []string
	}{
		"the token is refused":             {first(always, "GET", "/v1/status", answer(401, "no")), []string{"refuses the token", "AGENT_TOKEN"}},
		"the job is refused":               {first(always, "POST", "/v1/train", answer(422, `{"detail":"architecture bert cannot be tuned: use llama"}`)), []string{"architecture bert cannot be tuned: use llama"}},
		"training fails":                   {manifest(`{"jobId":"m-1","state":"failed","error":"The loss is not a number: lower the learning rate."}`), []string{"lower the learning rate"}},
		"training is cancelled there":      {manifest(`{"jobId":"m-1","state":"cancelled"}`), []string{"cancelled at the agent"}},
		"an artefact climbs out":           {manifest(`{"jobId":"m-1","state":"done","artifacts":[{"name":"../../x","size":1,"sha256":"` + hex + `"}]}`), []string{"not allowed"}},
		"there is no adapter":              {manifest(`{"jobId":"m-1","state":"done","artifacts":[]}`), []string{"without the file adapter.gguf"}},
		"an artefact is never the one":     {first(always, "GET", "/v1/artifacts/adapter.gguf", answer(200, "garbage")), []string{"adapter.gguf is not what it announced", "5 times in a row"}},
		"an artefact is endless each time": {first(always, "GET", "/v1/artifacts/manifest.json", answer(200, strings.Repeat("x", 1<<20))), []string{"manifest.json", "bytes announced"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t, c.f)
			r.put("m-1", r.job())
			r.says(r.failed("m-1"), c.says...)
		})
	}
}

func TestAnAgentThatWasStartedAnewIsHandedTheJobAgain(t *testing.T) {
	r := newRemote(t, nil)
	r.Control.Hold("training")
	r.put("m-1", r.job())
	r.until("m-1", trainer.Training)
	r.Control.Release("training")
	// All that it knew is gone, as on a machine that was wiped.
	r.handler.Store(fakeagent.New(t.TempDir(), "fixed", r.Control))
	r.checkArtifacts(r.until("m-1", trainer.Succeeded))
}

func TestAnAgentWithAnotherJobIsWaitedFor(t *testing.T) {
	var mine atomic.Bool
	r := newRemote(t, func(w http.ResponseWriter, q *http.Request) bool {
		if mine.Load() || q.URL.Path != "/v1/status" {
			return false
		}
		fmt.Fprint(w, `{"jobId":"theirs-1","state":"training"}`)
		return true
	})
	r.put("m-1", r.job())
	r.await("the job says what it waits for", func() bool { return strings.Contains(r.get("m-1").Waiting, "theirs-1") })
	mine.Store(true)
	r.until("m-1", trainer.Succeeded)
}

func TestACancelledJobIsTakenFromTheAgent(t *testing.T) {
	r := newRemote(t, nil)
	r.Control.Hold("training")
	r.put("m-1", r.job())
	r.until("m-1", trainer.Training)
	if status, body := r.do("DELETE", "/v1/jobs/m-1", nil); status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	r.await("the agent is told", func() bool { return r.Control.Count("cancel") == 1 })
	r.Control.Release("training")
	r.put("n-1", r.job())
	r.until("n-1", trainer.Succeeded)
}

func TestAnAgentThatStopsEarlyIsASuccessThatSaysSo(t *testing.T) {
	r := newRemote(t, nil)
	r.agent.StopAfter = 2
	r.put("m-1", r.job())
	if j := r.until("m-1", trainer.Succeeded); !j.StoppedEarly || j.Progress.Step != 2 {
		t.Errorf("got %+v", j)
	}
}

func TestALargeDataSetGoesOverInPartsAndResumes(t *testing.T) {
	line := `{"id":"x","messages":[{"role":"user","content":"` + strings.Repeat("hello ", 100) + `"}]}` + "\n"
	r := newRemote(t, nil)
	r.Data.replace(strings.Repeat(line, 10<<20/len(line)))
	r.agent.Intercept = func() func(http.ResponseWriter, *http.Request) bool {
		var parts atomic.Int32
		return func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method != "PUT" || parts.Add(1) != 2 {
				return false
			}
			http.Error(w, "the connection was cut", 502)
			return true
		}
	}()
	r.put("m-1", r.job())
	r.until("m-1", trainer.Succeeded)
	var parts []string
	for _, e := range r.Control.Events() {
		if strings.HasPrefix(e, "part ") {
			parts = append(parts, strings.Fields(e)[1])
		}
	}
	if got := strings.Join(parts, " "); got != "0 4194304 8388608" {
		t.Errorf("parts began at %s", got)
	}
}
