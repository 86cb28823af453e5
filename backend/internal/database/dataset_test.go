package database

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	understudy "understudy.dev/backend"
)

func frozen(t *testing.T, db *DB, m understudy.Model, split understudy.Split) []string {
	t.Helper()
	var ids []string
	err := db.EachFrozen(t.Context(), m.ID, split, func(p understudy.Pair) error { ids = append(ids, p.ID); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestFreezeTakesTheNewestDistinctPromptsThatTeach(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		var want []string
		add := func(kept bool, p understudy.Pair) {
			insert(t, db, p)
			if kept {
				want = append(want, p.ID)
			}
		}
		add(false, pair("a", "too old", "x"))
		add(false, pair("a", "said twice", "the older answer"))
		for i := range 10 {
			add(true, pair("a", "prompt "+word(i), "x"))
		}
		add(true, pair("a", "said twice", "the newer answer"))
		add(false, pair("a", "broken", "x", func(p *understudy.Pair) { p.Complete = false }))
		add(false, pair("a", "fallback", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonFallback }))
		add(false, pair("a", "forced", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonForced }))
		add(false, pair("a", "own", "x", func(p *understudy.Pair) { p.Source = understudy.SourceSLM }))
		add(false, pair("a", "empty answer", ""))
		add(false, pair("a", "tools", "x", func(p *understudy.Pair) {
			p.Request = json.RawMessage(`{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}`)
		}))
		add(false, pair("a", "a task seen too rarely", "x", func(p *understudy.Pair) { p.Fingerprint = "rare" }))
		add(true, pair("a", "sampled", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonSample }))
		add(true, pair("a", "imported", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonImport }))
		eval := pair("a", "unseen", "x", onEvalSide)
		twin := pair("a", "prompt "+word(3), "x", onEvalSide) // also on the train side: stays in the exam
		insert(t, db, eval, twin, pair("a", "rare and unseen", "x", onEvalSide, func(p *understudy.Pair) { p.Fingerprint = "rare" }), pair("b", "other", "x"))

		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 13, MaxEval: 100}, false, understudy.FingerprintFull))
		// 13 newest with "rare" among them and the twin of the exam passed over
		want = slices.DeleteFunc(want, func(id string) bool { return must(db.Pair(ctx, id)).Prompt == twin.Prompt })
		if diff := cmp.Diff(want, frozen(t, db, m, understudy.SplitTrain)); diff != "" {
			t.Fatal("train side (-want +got):\n", diff)
		}
		wantEval := []string{eval.ID, twin.ID}
		slices.Sort(wantEval)
		if diff := cmp.Diff(wantEval, frozen(t, db, m, understudy.SplitEval)); diff != "" {
			t.Fatal("eval side (-want +got):\n", diff)
		}
		if m.TrainPairs != len(want) || m.EvalPairs != 2 || m.DataFrozenAt == nil || !slices.Equal(m.Fingerprints, []string{"task"}) || m.JSONTasks != nil {
			t.Fatalf("got %+v", m)
		}
	})
}

func TestAnExamTakesEachConversationOnceUnlessItNeedsMore(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", 20, 0)
		var newest, all []string
		for i := range 6 { // two conversations of three turns
			p := pair("a", "turn "+word(i), "x", onEvalSide, func(p *understudy.Pair) { p.Conversation = "conversation " + word(i%2) })
			insert(t, db, p)
			all = append(all, p.ID)
			if i >= 4 {
				newest = append(newest, p.ID)
			}
		}
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		for need, want := range map[int][]string{0: newest, 2: newest, 3: all[3:], 6: all, 100: all} {
			m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MinEval: need, MaxEval: 100}, false, understudy.FingerprintFull))
			if diff := cmp.Diff(want, frozen(t, db, m, understudy.SplitEval)); diff != "" || m.EvalPairs != len(want) {
				t.Errorf("%d needed, %d counted (-want +got):\n%s", need, m.EvalPairs, diff)
			}
		}
	})
}

func TestTheDataSetIsTheSameBytesEachTime(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", frozenPage+20, 30)
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 1000, MaxEval: 20}, false, understudy.FingerprintFull))
		if m.TrainPairs != frozenPage+20 || m.EvalPairs != 20 {
			t.Fatalf("%d train, %d eval", m.TrainPairs, m.EvalPairs)
		}
		if !slices.Equal(m.JSONTasks, []string{"task"}) {
			t.Fatalf("JSON tasks: %v", m.JSONTasks)
		}
		var first, second bytes.Buffer
		for _, b := range []*bytes.Buffer{&first, &second} {
			if err := db.WriteDataset(ctx, m.ID, b); err != nil {
				t.Fatal(err)
			}
		}
		sum := sha256.Sum256(first.Bytes())
		if !bytes.Equal(first.Bytes(), second.Bytes()) || hex.EncodeToString(sum[:]) != m.DatasetSHA256 {
			t.Fatal("the bytes differ, or their hash is not the model's")
		}
		if n := strings.Count(first.String(), "\n"); n != m.TrainPairs {
			t.Fatalf("%d lines for %d pairs", n, m.TrainPairs)
		}
		again := must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 1000, MaxEval: 20}, false, understudy.FingerprintFull))
		if again.DatasetSHA256 != m.DatasetSHA256 {
			t.Fatal("freezing the same pairs again gave another set")
		}
		if err := db.DeletePair(ctx, frozen(t, db, m, understudy.SplitTrain)[0]); err != nil {
			t.Fatal(err)
		}
		var third bytes.Buffer
		wantCode(t, db.WriteDataset(ctx, m.ID, &third), understudy.Conflict)
	})
}

func TestADataSetLineIsAsTheContractSays(t *testing.T) {
	file, err := os.ReadFile("../../../ci/contract/trainer.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		DatasetLine struct {
			ID       string            `json:"id"`
			Messages []json.RawMessage `json:"messages"`
		} `json:"datasetLine"`
	}
	if err := json.Unmarshal(file, &contract); err != nil {
		t.Fatal(err)
	}
	request, _ := json.Marshal(map[string]any{"messages": contract.DatasetLine.Messages[:2]})
	line, err := datasetLineOf(understudy.Pair{ID: contract.DatasetLine.ID, Request: request, Answer: understudy.Answer{Text: `{"intent":"track_order"}`}})
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]any{}, map[string]any{}
	_ = json.Unmarshal([]byte(asJSON(line)), &got)
	_ = json.Unmarshal([]byte(asJSON(contract.DatasetLine)), &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestNothingToLearnFromIsAConflict(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		endpoint(t, db, "a")
		teach(t, db, "a", understudy.MinFingerprintPairs-1, 5)
		m := must(db.CreateModel(t.Context(), 0, understudy.Model{Endpoint: "a"}))
		_, err := db.Freeze(t.Context(), 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull)
		wantCode(t, err, understudy.Conflict)
		var b bytes.Buffer
		wantCode(t, db.WriteDataset(t.Context(), m.ID, &b), understudy.Conflict)
	})
}

func TestTeachingSinceCountsDistinctPrompts(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		pairs := teach(t, db, "a", 5, 3)
		insert(t, db, pair("a", "train a", "said before"), pair("a", "x", "y", func(p *understudy.Pair) { p.Reason = understudy.ReasonFallback }))
		for _, c := range []struct {
			after       string
			train, eval int64
		}{{"", 5, 3}, {pairs[1].ID, 4, 3}, {pairs[7].ID, 1, 0}} {
			train, eval, err := db.TeachingSince(t.Context(), "a", c.after)
			if err != nil || train != c.train || eval != c.eval {
				t.Errorf("since %q: got %d and %d, %v; want %d and %d", c.after, train, eval, err, c.train, c.eval)
			}
		}
	})
}

func TestAnEvaluationIsAnsweredAndScored(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", 12, 6)
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull))
		_, _, _, err := db.EvalPrompts(ctx, m.ID, 1, 0, 10)
		wantCode(t, err, understudy.NotFound)
		for range 2 { // the second does nothing
			if err := db.StartEvaluation(ctx, 0, m.ID, 1, 2); err != nil {
				t.Fatal(err)
			}
		}
		prompts, total, remaining, err := db.EvalPrompts(ctx, m.ID, 1, 0, 3)
		if err != nil || total != 8 || remaining != 8 || len(prompts) != 3 {
			t.Fatalf("got %d of %d, %d remaining, %v", len(prompts), total, remaining, err)
		}
		var request map[string]any
		if err := json.Unmarshal(prompts[0].Request, &request); err != nil || request["temperature"] != 0.0 || request["messages"] == nil {
			t.Fatalf("got request %s, %v", prompts[0].Request, err)
		}
		all, _, _, _ := db.EvalPrompts(ctx, m.ID, 1, 0, 0)
		base := 0
		for _, p := range all {
			if p.Variant == understudy.VariantBase {
				base++
			}
			if p.MaxTokens < 5 {
				t.Fatalf("%d tokens are too few", p.MaxTokens)
			}
		}
		if base != 2 {
			t.Fatalf("%d prompts for the base, want 2", base)
		}
		answers := []understudy.EvalAnswer{
			{PairID: all[0].PairID, Variant: all[0].Variant, Answer: understudy.Answer{Text: "b", FinishReason: "stop"}, TokensOut: 3},
			{PairID: all[1].PairID, Variant: all[1].Variant, Error: "timed out"},
			{PairID: "deleted meanwhile", Variant: "tuned"},
		}
		for range 2 {
			if err := db.PutAnswers(ctx, m.ID, 1, answers); err != nil {
				t.Fatal(err)
			}
		}
		rest, _, remaining, _ := db.EvalPrompts(ctx, m.ID, 1, 0, 0)
		if remaining != 6 || len(rest) != 6 || rest[0].Seq != all[2].Seq {
			t.Fatalf("%d remain, the next is %d", remaining, rest[0].Seq)
		}
		similarity, yes := 0.75, true
		scored := answers[0]
		scored.Similarity, scored.Exact, scored.Near = &similarity, &yes, &yes
		if err := db.PutScores(ctx, m.ID, 1, []understudy.EvalAnswer{scored}); err != nil {
			t.Fatal(err)
		}
		got := must(db.EvalAnswers(ctx, m.ID, 1))
		if len(got) != 2 {
			t.Fatalf("%d answers", len(got))
		}
		if diff := cmp.Diff(scored, got[0]); diff != "" {
			t.Fatal(diff)
		}
		if got[1].Error != "timed out" || got[1].Similarity != nil {
			t.Fatalf("got %+v", got[1])
		}
		record := understudy.Evaluation{ModelID: m.ID, Attempt: 1, Metric: understudy.MetricExact, N: 6, Score: 0.9, Lower: 0.8, Verdict: understudy.VerdictRefused,
			Reason: "r", StartedAt: m.CreatedAt, EndedAt: m.CreatedAt}
		for _, v := range []understudy.Verdict{understudy.VerdictRefused, understudy.VerdictPassed} {
			record.Verdict = v
			if err := db.PutEvaluation(ctx, 0, record); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]understudy.Evaluation{record}, must(db.Evaluations(ctx, m.ID))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTheBasesSampleIsSpreadEvenly(t *testing.T) {
	var pairs []understudy.Pair
	for i := range 100 {
		pairs = append(pairs, understudy.Pair{ID: fmt.Sprintf("%03d", i)})
	}
	for _, c := range []struct{ sample, want int }{{0, 0}, {1, 1}, {50, 50}, {100, 100}, {1000, 100}} {
		n, halves := 0, [2]int{}
		for _, r := range layOut("m", 1, pairs, c.sample, 10) {
			if r.Variant == understudy.VariantBase {
				n++
				halves[min(int(r.PairID[1]-'0')/5, 1)]++
			}
		}
		if n != c.want || halves[1]-halves[0] > 1 || halves[0] > halves[1] {
			t.Errorf("a sample of %d: %d prompts, %v in the two halves", c.sample, n, halves)
		}
	}
}
