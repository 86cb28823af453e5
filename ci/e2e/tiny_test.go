package e2e

import (
	"sync"
	"testing"

	"understudy.dev/ci/platform"
)

// endpoint makes an endpoint that a tiny model can serve; change edits it.
func (w *world) endpoint(t *testing.T, name string, change map[string]any) {
	t.Helper()
	e := map[string]any{
		"name": name, "upstream": "replay", "upstreamModel": "replay-teacher", "threshold": 0.5,
		"minTrainPairs": 20, "minEvalPairs": 8, "autoTrain": false, "teacherShare": 0, "scaleToZeroAfterSeconds": 0,
		"hyperparameters": map[string]any{"maxSteps": 12, "batchSize": 4},
	}
	for k, v := range change {
		e[k] = v
	}
	must(t, w.API("POST", "/endpoints", e, nil))
}

// ask asks every conversation once, a few at a time.
func (w *world) ask(t *testing.T, endpoint string) {
	t.Helper()
	var lanes sync.WaitGroup
	for lane := range 8 {
		lanes.Go(func() {
			for i := lane; i < platform.TinyConversations; i += 8 {
				if _, _, err := w.Completion(endpoint, platform.Tiny(i)); err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			}
		})
	}
	lanes.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// deployed makes an endpoint and takes it from pairs to an SLM that answers.
func (w *world) deployed(t *testing.T, name string, change map[string]any) platform.Model {
	t.Helper()
	w.endpoint(t, name, change)
	w.ask(t, name)
	m := w.reaches(t, w.train(t, name).ID, "deployed", patience)
	w.served(t, name)
	return m
}

func (w *world) train(t *testing.T, endpoint string) platform.Model {
	t.Helper()
	var m platform.Model
	must(t, w.API("POST", "/endpoints/"+endpoint+"/train", nil, &m))
	return m
}

// served asks until the SLM answers.
func (w *world) served(t *testing.T, endpoint string) {
	t.Helper()
	source, reason := "", ""
	w.await(t, patience, func() bool {
		_, header, err := w.Completion(endpoint, platform.Tiny(0))
		must(t, err)
		source, reason = header.Get("X-Understudy-Source"), header.Get("X-Understudy-Reason")
		return source == "slm"
	}, func() string { return "the LLM still answers: " + reason })
}
