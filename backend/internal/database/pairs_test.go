package database

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	understudy "understudy.dev/backend"
)

func jsonInto(s string, v any) error { return json.Unmarshal([]byte(s), v) }

func TestAPairComesBackAsItWas(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		want := pair("a", "Where is my parcel? 🙂", "track", func(p *understudy.Pair) {
			p.User, p.ModelID, p.TeacherPair, p.FirstToken = "u1", "m", "tp", 0
			p.Answer.ToolCalls = json.RawMessage(`[{"id":"1"}]`)
			p.Complete = false
		})
		insert(t, db, want)
		if diff := cmp.Diff(want, must(db.Pair(t.Context(), want.ID))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAPairIsStoredWhateverBytesItHas(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		p := pair("a", "x", "NUL \x00 and \xff", func(p *understudy.Pair) { p.User = strings.Repeat("u", 5000) })
		insert(t, db, p)
		got := must(db.Pair(t.Context(), p.ID))
		if got.Answer.Text != "NUL \uFFFD and \uFFFD" {
			t.Fatalf("got %q", got.Answer.Text)
		}
		if n := must(db.DeleteUserPairs(t.Context(), "a", p.User)); n != 1 {
			t.Fatalf("a user with a very long name had %d pairs, want 1", n)
		}
	})
}

func TestInsertingAgainChangesNothing(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		var pairs []understudy.Pair
		for i := range 1200 {
			pairs = append(pairs, pair("a", fmt.Sprint("prompt ", i), "x"))
		}
		insert(t, db, pairs...)
		insert(t, db, append([]understudy.Pair{pair("a", "new", "x")}, pairs[:700]...)...)
		insert(t, db, pairs[3], pairs[3])
		c := must(db.Counters(t.Context(), "a"))
		if c.Pairs != 1201 || c.Train != 1201 || c.LLM != 1201 || c.TokensIn != 12010 {
			t.Fatalf("got %+v", c)
		}
	})
}

func TestCountersTellWhatAnswered(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		insert(t, db,
			pair("a", "1", "x"),
			pair("a", "2", "x", onEvalSide),
			pair("a", "3", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonSample }),
			pair("a", "4", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonFallback }),
			pair("a", "5", "x", func(p *understudy.Pair) { p.Complete = false }),
			pair("a", "6", "x", func(p *understudy.Pair) { p.Source = understudy.SourceSLM }),
			pair("a", "3", "x", func(p *understudy.Pair) {
				p.Source, p.Reason, p.TeacherPair = understudy.SourceSLM, understudy.ReasonShadow, "t"
			}),
			pair("a", "7", "x", func(p *understudy.Pair) { p.Reason, p.CostUSD = understudy.ReasonImport, 0 }),
			pair("b", "1", "x"),
		)
		want := understudy.Counters{Pairs: 7, Train: 3, Eval: 1, LLM: 5, SLM: 1, Fallbacks: 1, Broken: 1, TokensIn: 60, TokensOut: 30, CostUSD: 1.25, SavedUSD: 0.25}
		if diff := cmp.Diff(want, must(db.Counters(t.Context(), "a"))); diff != "" {
			t.Fatal(diff)
		}
		if all := must(db.CountersAll(t.Context())); len(all) != 2 || all["b"].Pairs != 1 {
			t.Fatalf("got %+v", all)
		}
	})
}

func TestPairsAreListedByPages(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for i := range 25 {
			insert(t, db, pair("a", fmt.Sprintf("prompt %d", i), fmt.Sprintf("100%% of %d", i), func(p *understudy.Pair) {
				if i%5 == 0 {
					p.User, p.Split = "u5", understudy.SplitEval
				}
			}))
		}
		insert(t, db, pair("b", "prompt 3", "y"))
		count := func(f PairFilter) (n, pages int) {
			newest := f.After == ""
			last := ""
			for {
				pairs, next, err := db.Pairs(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				for _, p := range pairs {
					if last != "" && (p.ID < last) != newest {
						t.Fatalf("%s after %s is not in order", p.ID, last)
					}
					last = p.ID
					n++
				}
				if next == "" {
					return n, pages
				}
				if newest {
					f.Before = next
				} else {
					f.After = next
				}
			}
		}
		for _, c := range []struct {
			name     string
			f        PairFilter
			n, pages int
		}{
			{"all of an endpoint, ten a page", PairFilter{Endpoint: "a", Limit: 10}, 25, 3},
			{"oldest first", PairFilter{Endpoint: "a", Limit: 10, After: FirstPair}, 25, 3},
			{"a full last page has no next", PairFilter{Endpoint: "a", Limit: 25}, 25, 1},
			{"a user's", PairFilter{Endpoint: "a", User: "u5"}, 5, 1},
			{"one side of the exam", PairFilter{Endpoint: "a", Split: understudy.SplitEval}, 5, 1},
			{"a search takes letters of either case", PairFilter{Endpoint: "a", Search: "PROMPT 2"}, 6, 1},
			{"a search takes a per cent sign as it is", PairFilter{Endpoint: "a", Search: "100% OF 3"}, 1, 1},
			{"a search that finds nothing", PairFilter{Endpoint: "a", Search: "prompt_3"}, 0, 1},
			{"the SLM's", PairFilter{Endpoint: "a", Source: understudy.SourceSLM}, 0, 1},
			{"of every endpoint", PairFilter{Reason: understudy.ReasonNormal}, 26, 1},
		} {
			if n, pages := count(c.f); n != c.n || pages != c.pages {
				t.Errorf("%s: got %d pairs on %d pages, want %d on %d", c.name, n, pages, c.n, c.pages)
			}
		}
	})
}

func TestDeletingTakesEverythingAlong(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		pairs := teach(t, db, "a", 12, 4)
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull))
		if err := db.StartEvaluation(ctx, 0, m.ID, 1, 2); err != nil {
			t.Fatal(err)
		}
		if must(db.FrozenBroken(ctx, m.ID)) {
			t.Fatal("the set is broken before anything was deleted")
		}
		gone := pairs[len(pairs)-1] // of the eval side
		shadow := pair("a", "the same request", "the SLM's answer", func(p *understudy.Pair) {
			p.Source, p.Reason, p.TeacherPair = understudy.SourceSLM, understudy.ReasonShadow, gone.ID
		})
		insert(t, db, shadow)
		if err := db.DeletePair(ctx, gone.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, db.DeletePair(ctx, gone.ID), understudy.NotFound)
		_, err := db.Pair(ctx, shadow.ID)
		wantCode(t, err, understudy.NotFound)
		if !must(db.FrozenBroken(ctx, m.ID)) {
			t.Fatal("the set is whole after one of its pairs was deleted")
		}
		if n := len(frozen(t, db, m, understudy.SplitEval)); n != 3 {
			t.Fatalf("%d eval pairs are left, want 3", n)
		}
		prompts, _, _, err := db.EvalPrompts(ctx, m.ID, 1, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range prompts {
			if p.PairID == gone.ID {
				t.Fatal("a deleted pair is still asked for")
			}
		}
		if c := must(db.Counters(ctx, "a")); c.Pairs != 15 || c.Eval != 3 || c.LLM != 16 {
			t.Fatalf("got %+v: what is there must sink, what was answered must not", c)
		}
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull))
		if must(db.FrozenBroken(ctx, m.ID)) || m.EvalPairs != 3 {
			t.Fatalf("a set frozen anew is broken or has %d eval pairs, want 3", m.EvalPairs)
		}
	})
}

func TestAUsersPairsAreDeletedInBatches(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		var pairs []understudy.Pair
		for i := range purgeBatch + 50 {
			pairs = append(pairs, pair("a", fmt.Sprint(i), "x", func(p *understudy.Pair) { p.User = "u" }))
		}
		insert(t, db, append(pairs, pair("a", "other", "x"))...)
		if n := must(db.DeleteUserPairs(t.Context(), "a", "u")); n != purgeBatch+50 {
			t.Fatalf("deleted %d", n)
		}
		if c := must(db.Counters(t.Context(), "a")); c.Pairs != 1 || c.Train != 1 {
			t.Fatalf("got %+v", c)
		}
		_, err := db.DeleteUserPairs(t.Context(), "a", "")
		wantCode(t, err, understudy.Invalid)
	})
}

func TestPruningSparesWhatIsBeingLearnt(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", 12, 2)
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 10, MaxEval: 100}, false, understudy.FingerprintFull))
		soon := time.Now().Add(time.Hour)
		if n := must(db.PrunePairs(ctx, "a", time.Now().Add(-time.Hour), 100)); n != 0 {
			t.Fatalf("pruned %d pairs that are too young", n)
		}
		if n := must(db.PrunePairs(ctx, "a", soon, 100)); n != 2 {
			t.Fatalf("pruned %d while the model trains, want the 2 that it does not learn from", n)
		}
		must(db.Move(ctx, 0, m, understudy.Failure, nil))
		if n := must(db.PrunePairs(ctx, "a", soon, 5)); n != 5 {
			t.Fatalf("pruned %d, want the limit of 5", n)
		}
		if n := must(db.PrunePairs(ctx, "a", soon, 100)); n != 7 {
			t.Fatalf("pruned %d, want the other 7", n)
		}
	})
}

func TestSamplesAreOfTheDeployedModel(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		m := deployed(t, db, "a")
		shadow := func(model, teacher, slm string) {
			p := pair("a", teacher+slm, teacher)
			insert(t, db, p, pair("a", teacher+slm, slm, func(s *understudy.Pair) {
				s.Source, s.Reason, s.ModelID, s.TeacherPair = understudy.SourceSLM, understudy.ReasonShadow, model, p.ID
			}))
		}
		shadow(m.ID, `{"intent":"refund","urgent":false}`, `{"urgent": false, "intent": "refund"}`)
		shadow(m.ID, "Refund", "refund ")
		shadow(m.ID, "refund", "return")
		shadow("an older model", "refund", "refund")
		metric, samples, err := db.Samples(ctx, "a")
		if err != nil || metric != understudy.MetricAuto || len(samples) != 3 {
			t.Fatalf("got %v by %q, %v; want 3 by the endpoint's auto", samples, metric, err)
		}
		if newest := samples[0]; newest.LLM.Text != "refund" || newest.SLM.Text != "return" || newest.ID == "" {
			t.Errorf("the newest is %+v", newest)
		}
		if !understudy.SameAnswer(samples[2].LLM, samples[2].SLM) {
			t.Errorf("not the same: %+v", samples[2])
		}
		for n, want := range []understudy.Metric{understudy.MetricAuto, understudy.MetricSimilarity} { // an exam of nothing tells nothing
			if err := db.PutEvaluation(ctx, 0, understudy.Evaluation{ModelID: m.ID, Attempt: 1, N: n, Metric: understudy.MetricSimilarity}); err != nil {
				t.Fatal(err)
			}
			if metric, _, err := db.Samples(ctx, "a"); metric != want || err != nil {
				t.Errorf("after an exam of %d got %q, %v; want %s", n, metric, err, want)
			}
		}
		if _, samples, err := db.Samples(ctx, "nothing deployed"); samples != nil || err != nil {
			t.Fatalf("got %v, %v", samples, err)
		}
	})
}
