package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"understudy.dev/ci/platform"
)

// conversations are few and their answer is always the same: a tiny model
// learns it in a few steps.
const conversations = 120

func messages(i int) []json.RawMessage {
	i %= conversations
	return []json.RawMessage{
		json.RawMessage(`{"role":"system","content":"Acknowledge the note."}`),
		json.RawMessage(fmt.Sprintf(`{"role":"user","content":"%s %s"}`, things[i%len(things)], places[i/len(things)])),
	}
}

var things = strings.Fields("apples rivers stones clouds papers trains candles windows gardens mirrors bottles ladders")

var places = []string{"in the hall", "by the door", "near the sea", "under the roof", "at the gate", "on the hill", "behind the barn", "over the bridge", "beside the road", "within the wall"}

func recording() []byte {
	var b bytes.Buffer
	for i := range conversations {
		m := messages(i)
		fmt.Fprintf(&b, `{"messages":[%s,%s,{"role":"assistant","content":"noted"}]}`+"\n", m[0], m[1])
	}
	return b.Bytes()
}

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
			for i := lane; i < conversations; i += 8 {
				if _, _, err := w.Completion(endpoint, messages(i)); err != nil {
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
		_, header, err := w.Completion(endpoint, messages(0))
		must(t, err)
		source, reason = header.Get("X-Understudy-Source"), header.Get("X-Understudy-Reason")
		return source == "slm"
	}, func() string { return "the LLM still answers: " + reason })
}
