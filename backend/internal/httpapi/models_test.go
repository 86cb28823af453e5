package httpapi

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func TestAPersonDecides(t *testing.T) {
	type step struct {
		verb   string
		body   any
		status int
		phase  string
	}
	failed := []understudy.Trigger{understudy.Progress, understudy.Failure}
	for _, c := range []struct {
		name     string
		triggers []understudy.Trigger
		verdict  understudy.Verdict
		steps    []step
	}{
		{"a passed model is deployed on demand", toAvailable, understudy.VerdictPassed, []step{{"deploy", nil, 202, "available"}}},
		{"a refused model is not", toAvailable, understudy.VerdictRefused, []step{{"deploy", nil, 409, ""}}},
		{"unless it is forced", toAvailable, understudy.VerdictRefused, []step{{"deploy", wire.DeployInput{Force: true, By: "ann"}, 202, "available"}}},
		{"a wish for the stage is taken back", toAvailable, understudy.VerdictPassed, []step{{"deploy", nil, 202, "available"}, {"undeploy", nil, 202, "available"}, {"undeploy", nil, 409, ""}}},
		{"an available model is examined again", toAvailable, understudy.VerdictRefused, []step{{"evaluate", nil, 202, "llm_evaluation"}, {"evaluate", nil, 409, ""}}},
		{"a failed one is tried again where it failed", failed, "", []step{{"deploy", nil, 409, ""}, {"retry", nil, 202, "downloading"}, {"retry", nil, 409, ""}}},
		{"a failed one is retired", failed, "", []step{{"retire", nil, 202, "retired"}, {"retry", nil, 409, ""}}},
		{"a training one is left alone", nil, "", []step{{"retire", nil, 409, ""}, {"undeploy", nil, 409, ""}, {"deploy", wire.DeployInput{Force: true}, 409, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			b.endpoint("triage")
			m := b.model("triage", c.triggers...)
			if _, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) { m.Verdict = c.verdict }); err != nil {
				t.Fatal(err)
			}
			for _, s := range c.steps {
				var got wire.Model
				said := b.call("POST", "/models/triage-v1/"+s.verb, s.body, s.status, &got)
				if s.status == 202 && (got.Phase != s.phase || !b.heard.of(m.ID)) {
					t.Fatalf("after %s: %s (told: %v)", s.verb, said, b.heard.woken)
				}
			}
		})
	}
}

func TestADeploymentRecordsWhoForcedIt(t *testing.T) {
	b := start(t)
	b.endpoint("triage")
	m := b.model("triage", toAvailable...)
	if said := b.call("POST", "/models/"+m.ID+"/deploy", nil, 409, nil); !strings.Contains(said, "force") {
		t.Fatalf("it does not say how: %s", said)
	}
	var got wire.Model
	b.call("POST", "/models/"+m.ID+"/deploy", wire.DeployInput{Force: true, By: "ann"}, 202, &got)
	if !got.Forced || got.ForcedBy != "ann" || got.Target != "deployed" {
		t.Fatalf("got %+v", got)
	}
	events, err := b.db.Events(t.Context(), 0, 0)
	if err != nil || !strings.Contains(events[len(events)-1].Message, "forced by ann") {
		t.Fatalf("the diary does not say so: %+v, %v", events, err)
	}
}

func TestTrainingNeedsSomethingToLearnFrom(t *testing.T) {
	b := start(t)
	b.endpoint("triage")
	if said := b.call("POST", "/endpoints/triage/train", nil, 409, nil); !strings.Contains(said, "import") {
		t.Fatalf("it does not say what to do: %s", said)
	}
	b.learn("triage", 60)
	var m wire.Model
	b.call("POST", "/endpoints/triage/train", nil, 202, &m)
	if m.Name != "triage-v1" || m.Phase != "training" || m.PhaseName != "Training" || !b.heard.of("triage") || !b.heard.of(m.ID) {
		t.Fatalf("got %+v", m)
	}
	b.call("POST", "/endpoints/triage/train", nil, 409, nil)
	var page wire.Page[wire.Model]
	for _, path := range []string{"/models", "/endpoints/triage/models"} {
		if b.call("GET", path, nil, 200, &page); len(page.Items) != 1 || page.Items[0].ID != m.ID {
			t.Errorf("%s: got %+v", path, page)
		}
	}
	var one wire.Model
	b.call("GET", "/models/"+m.ID, nil, 200, &one)
	b.call("GET", "/models/triage-v1", nil, 200, &one)
	if one.ID != m.ID || one.Artifacts == nil || one.Fingerprints == nil {
		t.Fatalf("got %+v", one)
	}
}

// learn imports n distinct conversations, a part of them for the exam.
func (b *bench) learn(endpoint string, n int) {
	b.t.Helper()
	var lines []string
	for i := range n {
		lines = append(lines, conversation("Please help "+strings.Repeat("so", i)+" much", "label"))
	}
	b.call("POST", "/endpoints/"+endpoint+"/pairs:import", strings.Join(lines, "\n"), 200, nil)
}

// examined is a model whose evaluation was laid out.
func (b *bench) examined() understudy.Model {
	b.t.Helper()
	b.endpoint("triage")
	b.learn("triage", 60)
	m := b.model("triage")
	m, err := b.db.Freeze(b.t.Context(), 0, m, understudy.DataSize{MaxTrain: 1000, MaxEval: 1000}, false, understudy.FingerprintFull)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.db.StartEvaluation(b.t.Context(), 0, m.ID, 1, 3); err != nil {
		b.t.Fatal(err)
	}
	for range 2 {
		if m, err = b.db.Move(b.t.Context(), 0, m, understudy.Progress, nil); err != nil {
			b.t.Fatal(err)
		}
	}
	return m
}

func TestAnExamThatLostItsRequestsIsNotRepeated(t *testing.T) {
	b := start(t)
	m := b.examined()
	m, err := b.db.Move(t.Context(), 0, m, understudy.Progress, nil)
	if err != nil {
		t.Fatal(err)
	}
	left, err := b.db.ExamPairs(t.Context(), m.ID)
	if err != nil || left < 2 || int(left) != m.EvalPairs {
		t.Fatalf("%d of %d, %v", left, m.EvalPairs, err)
	}
	if _, err := b.db.UpdateEndpoint(t.Context(), "triage", func(e *understudy.Endpoint) error { e.MinEvalPairs = int(left); return nil }); err != nil {
		t.Fatal(err)
	}
	var one string
	err = b.db.EachFrozen(t.Context(), m.ID, understudy.SplitEval, func(p understudy.Pair) error { one = p.ID; return nil })
	if err == nil {
		err = b.db.DeletePair(t.Context(), one)
	}
	if err != nil {
		t.Fatal(err)
	}
	said := b.call("POST", "/models/triage-v1/evaluate", nil, 409, nil)
	if !strings.Contains(said, "Train a new version") {
		t.Errorf("got %s", said)
	}
	if _, err := b.db.UpdateEndpoint(t.Context(), "triage", func(e *understudy.Endpoint) error { e.MinEvalPairs--; return nil }); err != nil {
		t.Fatal(err)
	}
	b.call("POST", "/models/triage-v1/evaluate", nil, 202, nil)
}

func TestTheBatchContract(t *testing.T) {
	file, err := os.ReadFile("../../../ci/contract/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Prompts struct {
			Path     string
			Response map[string]any
		}
		Answers struct {
			Path       string
			Request    map[string]any
			Status     int
			MaxAnswers int `json:"maxAnswers"`
		}
	}
	if err := json.Unmarshal(file, &contract); err != nil {
		t.Fatal(err)
	}
	b := start(t)
	m := b.examined()
	here := func(path string) string {
		return strings.ReplaceAll(path, "0198c0de-0000-7000-8000-000000000001", m.ID)
	}
	status, raw := b.send(serviceToken, "GET", here(contract.Prompts.Path), nil)
	var page map[string]any
	if err := json.Unmarshal(raw, &page); err != nil || status != 200 {
		t.Fatalf("status %d: %s", status, raw)
	}
	if diff := cmp.Diff(shape(contract.Prompts.Response), shape(page)); diff != "" {
		t.Fatalf("prompts (-contract +here):\n%s", diff)
	}
	total := int(page["total"].(float64))
	first := page["items"].([]any)[0].(map[string]any)

	list := contract.Answers.Request["answers"].([]any)
	list[0].(map[string]any)["id"] = first["id"]
	status, raw = b.send(serviceToken, "POST", here(contract.Answers.Path), contract.Answers.Request)
	if status != contract.Answers.Status || len(raw) != 0 {
		t.Fatalf("status %d: %s", status, raw)
	}
	_, raw = b.send(serviceToken, "GET", here(contract.Prompts.Path), nil)
	if err := json.Unmarshal(raw, &page); err != nil || int(page["remaining"].(float64)) != total-1 {
		t.Fatalf("got %s", raw)
	}
	answers, err := b.db.EvalAnswers(t.Context(), m.ID, 1)
	if err != nil || len(answers) != 1 || answers[0].Answer.Text != `{"intent":"track_order"}` || answers[0].Answer.ToolCalls != nil || answers[0].Latency.Milliseconds() != 210 {
		t.Fatalf("got %+v, %v", answers, err)
	}
	many := map[string]any{"answers": make([]map[string]any, contract.Answers.MaxAnswers+1)}
	for _, c := range []struct {
		method, path string
		in           any
		status       int
	}{
		{"POST", contract.Answers.Path, many, 422},
		{"POST", contract.Answers.Path, "{", 400},
		{"POST", contract.Answers.Path, map[string]any{"answers": []any{map[string]any{"id": "x", "variant": "other"}}}, 422},
		{"GET", strings.Replace(contract.Prompts.Path, "after=0", "after=x", 1), nil, 422},
		{"GET", strings.Replace(contract.Prompts.Path, "/1/", "/9/", 1), nil, 404},
	} {
		if status, raw := b.send(serviceToken, c.method, here(c.path), c.in); status != c.status {
			t.Errorf("%s %s: status %d: %s", c.method, c.path, status, raw)
		}
	}
}

// shape is what is left of a value when only its structure is looked at.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if k == "request" { // free to differ
				x = map[string]any{}
			}
			out[k] = shape(x)
		}
		return out
	case []any:
		if len(v) == 0 {
			return []any{}
		}
		return []any{shape(v[0])}
	}
	return fmt.Sprintf("%T", v)
}

func TestTheLastAnswerWakesTheLifecycle(t *testing.T) {
	b := start(t)
	m := b.examined()
	prompts, _, _, err := b.db.EvalPrompts(t.Context(), m.ID, 1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.heard.woken = nil
	for i, p := range prompts {
		if b.heard.of(m.ID) {
			t.Fatalf("woken after %d of %d answers", i, len(prompts))
		}
		in := map[string]any{"answers": []any{map[string]any{"id": p.PairID, "variant": p.Variant, "text": "x"}}}
		if status, raw := b.send(serviceToken, "POST", "/internal/v1/models/"+m.ID+"/evaluations/1/answers", in); status != 204 {
			t.Fatalf("status %d: %s", status, raw)
		}
	}
	if !b.heard.of(m.ID) {
		t.Fatal("nobody was told")
	}
}

func TestTheDataSetIsStreamed(t *testing.T) {
	b := start(t)
	m := b.examined()
	status, raw := b.send(serviceToken, "GET", "/internal/v1/models/"+m.ID+"/dataset", nil)
	if status != 200 || strings.Count(string(raw), "\n") != m.TrainPairs {
		t.Fatalf("status %d, %d lines for %d pairs", status, strings.Count(string(raw), "\n"), m.TrainPairs)
	}
	if status, raw := b.send(serviceToken, "GET", "/internal/v1/models/none/dataset", nil); status != 404 {
		t.Fatalf("status %d: %s", status, raw)
	}
}

func TestAnEvaluationIsShownWhileItRunsAndAfter(t *testing.T) {
	b := start(t)
	m := b.examined()
	var page wire.Page[wire.Evaluation]
	b.call("GET", "/models/triage-v1/evaluations", nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Verdict != "" || page.Items[0].Total != m.EvalPairs+3 || page.Items[0].Answered != 0 {
		t.Fatalf("while it runs: %+v (of %d)", page.Items, m.EvalPairs)
	}
	prompts, _, _, err := b.db.EvalPrompts(t.Context(), m.ID, 1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	yes, no, low, high := true, false, 0.25, 0.5
	var answers []understudy.EvalAnswer
	tuned := 0
	for _, p := range prompts {
		a := understudy.EvalAnswer{PairID: p.PairID, Variant: p.Variant, Answer: understudy.Answer{Text: "label"}, Exact: &yes, Similarity: &high}
		if p.Variant == understudy.VariantTuned {
			tuned++
			switch tuned {
			case 3:
				a.Answer.Text, a.Exact, a.Similarity = "wrong", &no, &high
			case 5:
				a.Answer.Text, a.Exact, a.Similarity = "worse", &no, &low
			case 6:
				a.Answer.Text, a.Error = "", "timed out"
			}
		}
		answers = append(answers, a)
	}
	for _, put := range []func() error{
		func() error { return b.db.PutAnswers(t.Context(), m.ID, 1, answers) },
		func() error { return b.db.PutScores(t.Context(), m.ID, 1, answers) },
		func() error {
			return b.db.PutEvaluation(t.Context(), 0, understudy.Evaluation{ModelID: m.ID, Attempt: 1, N: 300, Identical: 281, Close: 9, Different: 10, Verdict: understudy.VerdictPassed, Lower: 0.9})
		},
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	b.call("GET", "/models/triage-v1/evaluations", nil, 200, &page)
	if e := page.Items[0]; len(page.Items) != 1 || e.Verdict != "passed" || e.Answered != e.Total || e.LowerBound != 0.9 ||
		e.Words != "of 300 unseen requests: 281 identical, 9 close, 10 different" {
		t.Fatalf("afterwards: %+v", page.Items)
	}
	var worst, rest wire.Page[wire.EvalAnswer]
	b.call("GET", "/models/triage-v1/evaluations/1/answers?limit=2", nil, 200, &worst)
	b.call("GET", "/models/triage-v1/evaluations/1/answers?cursor="+worst.Next, nil, 200, &rest)
	if len(worst.Items)+len(rest.Items) != m.EvalPairs || worst.Items[0].Error == "" || worst.Items[1].Actual != "worse" || rest.Items[0].Actual != "wrong" {
		t.Fatalf("worst %+v, then %+v", worst.Items, rest.Items)
	}
	if x := worst.Items[1]; x.Expected != "label" || !strings.HasPrefix(x.Prompt, "Please help") {
		t.Fatalf("got %+v", x)
	}
	b.call("GET", "/models/triage-v1/evaluations/1/answers?cursor=x", nil, 422, nil)
}
