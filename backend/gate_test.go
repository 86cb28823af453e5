package understudy

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// papers makes answers of which so many are identical, close and different.
func papers(expected string, identical, close, different int) []Paper {
	var out []Paper
	add := func(n int, similarity float64, exact bool) {
		for range n {
			out = append(out, Paper{Expected: Answer{Text: expected}, Actual: EvalAnswer{Similarity: &similarity, Exact: &exact, Latency: 200 * time.Millisecond}})
		}
	}
	add(identical, 1, true)
	add(close, 0.9, false)
	add(different, 0.2, false)
	// spread, so that no order is special
	for to, from := range Deal(len(out)) {
		if to < from {
			out[to], out[from] = out[from], out[to]
		}
	}
	return out
}

const prose = "Your parcel is on its way and should be with you on Monday."

func TestTheGatePassesByTheBoundAndNotByTheScore(t *testing.T) {
	for _, c := range []struct {
		name    string
		exam    Exam
		metric  Metric
		verdict Verdict
	}{
		{"282 of 300 labels", Exam{Papers: papers("refund", 282, 9, 9)}, MetricExact, VerdictPassed},
		{"265 of 300 labels: above by score, not by bound", Exam{Papers: papers("refund", 258, 20, 22)}, MetricExact, VerdictRefused},
		{"a hundred labels, all right", Exam{Papers: papers("refund", 100, 0, 0)}, MetricExact, VerdictPassed},
		{"99 labels are too few, all right or not", Exam{Papers: papers("refund", 99, 0, 0)}, MetricExact, VerdictRefused},
		{"nothing at all", Exam{}, MetricSimilarity, VerdictRefused},
		{"prose that is close enough", Exam{Papers: papers(prose, 200, 100, 0)}, MetricSimilarity, VerdictPassed},
		{"prose that is too often wrong", Exam{Papers: papers(prose, 200, 60, 40)}, MetricSimilarity, VerdictRefused},
		{"prose by an exact metric", Exam{Metric: MetricExact, Papers: papers(prose, 200, 100, 0)}, MetricExact, VerdictRefused},
		{"labels by similarity", Exam{Metric: MetricSimilarity, Papers: papers("refund", 200, 100, 0)}, MetricSimilarity, VerdictPassed},
		{"the same labels the third time", Exam{Verdicts: 2, Papers: papers("refund", 92, 0, 8)}, MetricExact, VerdictRefused},
		{"the same labels the first time", Exam{Papers: papers("refund", 92, 0, 8)}, MetricExact, VerdictPassed},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.exam.Threshold, c.exam.MinEvalPairs = 0.85, 100
			e := Judge(c.exam)
			if e.Metric != c.metric || e.Verdict != c.verdict {
				t.Errorf("%s by %s (score %.3f, bound %.3f), want %s by %s: %s", e.Verdict, e.Metric, e.Score, e.Lower, c.verdict, c.metric, e.Reason)
			}
			if e.N > 0 && e.Lower >= e.Score {
				t.Errorf("bound %.3f is not below the score %.3f", e.Lower, e.Score)
			}
			if e.Identical+e.Close+e.Different != len(c.exam.Papers) {
				t.Errorf("%s", e.Words())
			}
		})
	}
}

func TestTheMetricFollowsFromTheTeachersAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts []string
		want  Metric
	}{
		{"labels", []string{"refund", "card arrival", "lost or stolen card"}, MetricExact},
		{"JSON", []string{`{"intent": "refund", "note": "a very long note with many words in it"}`}, MetricExact},
		{"prose", []string{prose}, MetricSimilarity},
		{"prose without spaces", []string{strings.Repeat("今日は天気がいいので散歩に行きました。", 4)}, MetricSimilarity},
		{"long words", []string{"https://example.com/" + strings.Repeat("path/", 20)}, MetricExact},
		{"labels without spaces", []string{"返金", "カード紛失"}, MetricExact},
		{"nine labels and one of prose", []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", prose}, MetricExact},
		{"eight labels and two of prose", []string{"a", "b", "c", "d", "e", "f", "g", "h", prose, prose}, MetricSimilarity},
		{"nothing", nil, MetricSimilarity},
	} {
		var p []Paper
		for _, text := range c.texts {
			p = append(p, Paper{Expected: Answer{Text: text}})
		}
		if got := ChooseMetric(p); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	calls := Paper{Expected: Answer{Text: prose, ToolCalls: []byte(`[{"function":{"name":"f","arguments":"{}"}}]`)}}
	if got := ChooseMetric([]Paper{calls}); got != MetricExact {
		t.Errorf("tool calls: %s, want exact", got)
	}
}

func TestAnAnswerThatErroredIsWorthNothing(t *testing.T) {
	one, yes := 1.0, true
	for _, c := range []struct {
		name   string
		answer EvalAnswer
		want   float64
	}{
		{"scored", EvalAnswer{Similarity: &one, Exact: &yes}, 1},
		{"errored after it was scored", EvalAnswer{Similarity: &one, Exact: &yes, Error: "500"}, 0},
		{"not scored", EvalAnswer{}, 0},
	} {
		for _, m := range []Metric{MetricExact, MetricSimilarity} {
			if got := c.answer.Score(m); got != c.want {
				t.Errorf("%s by %s: %g, want %g", c.name, m, got, c.want)
			}
		}
	}
	below, above := -0.2, 1.0000001
	if got := (EvalAnswer{Similarity: &below}).Score(MetricSimilarity); got != 0 {
		t.Errorf("a negative cosine scores %g", got)
	}
	if got := (EvalAnswer{Similarity: &above}).Score(MetricSimilarity); got != 1 {
		t.Errorf("a cosine above 1 scores %g", got)
	}
	p := papers("refund", 110, 0, 0)
	p[3].Actual.Error = "the server answered 500"
	e := Judge(Exam{Threshold: 0.85, MinEvalPairs: 100, Papers: p})
	if e.Errors != 1 || e.Different != 1 || e.Identical != 109 || e.Score != 109.0/110 {
		t.Errorf("%s, %d errors, score %g", e.Words(), e.Errors, e.Score)
	}
}

func TestEachFurtherVerdictIsTwiceAsHard(t *testing.T) {
	for k, want := range []float64{0.05, 0.025, 0.0125} {
		if got := Judge(Exam{Verdicts: k, Papers: papers("a", 10, 0, 0)}).Alpha; math.Abs(got-want) > 1e-12 {
			t.Errorf("verdict %d at alpha %g, want %g", k+1, got, want)
		}
	}
}

func TestNearAndFarPromptsAreReportedApart(t *testing.T) {
	p := papers("refund", 60, 0, 40)
	for i := range p {
		near := *p[i].Actual.Exact && i%2 == 0
		p[i].Actual.Near = &near
	}
	e := Judge(Exam{Papers: p, MinEvalPairs: 100, Threshold: 0.85})
	if e.NearN+e.FarN != 100 || e.NearN == 0 || e.NearScore != 1 || e.FarScore >= e.Score {
		t.Errorf("near %d at %.2f, far %d at %.2f", e.NearN, e.NearScore, e.FarN, e.FarScore)
	}
	p[0].Actual.Near = nil // not compared
	if less := Judge(Exam{Papers: p}); less.NearN+less.FarN != 99 || less.N != 100 {
		t.Errorf("with one that was not compared: near %d, far %d of %d", less.NearN, less.FarN, less.N)
	}
	if e.MeanLatency != 200*time.Millisecond {
		t.Errorf("mean latency %s", e.MeanLatency)
	}
}

func TestTheReasonSaysTheNumbersAndWhatWouldHelp(t *testing.T) {
	near := func(p []Paper) []Paper {
		yes := true
		for i := range p {
			p[i].Actual.Near = &yes
		}
		return p
	}
	broken := papers("refund", 150, 0, 50)
	for i := range broken {
		if !*broken[i].Actual.Exact && i%2 == 0 {
			broken[i].Actual.Error = "timeout"
		}
	}
	for _, c := range []struct {
		name string
		exam Exam
		says []string
	}{
		{"passed", Exam{Papers: papers("refund", 282, 9, 9)},
			[]string{"282 of 300 unseen requests answered identically (94 %)", "with 95 % confidence at least 91.2 %", "the threshold of 85 %"}},
		{"passed by similarity", Exam{Papers: papers(prose, 280, 20, 0)},
			[]string{"mean similarity 0.993 over 300", "the threshold of 0.850"}},
		{"too few", Exam{Papers: papers("refund", 63, 0, 0)},
			[]string{"needs 100", "63 are there", "37 are missing"}},
		{"nearly", Exam{Papers: papers("refund", 174, 0, 26), Lookup: 0.6, Shuffled: 0.1},
			[]string{"below the threshold", "The score itself is above", "more unseen requests answered as well would pass"}},
		{"learned too little", Exam{Papers: papers("refund", 100, 0, 100), Lookup: 0.7, Shuffled: 0.1},
			[]string{"look-up of the most similar known request does better (70 %)"}},
		{"answers at random", Exam{Papers: papers("refund", 24, 0, 176), Lookup: 0.1, Shuffled: 0.09},
			[]string{"not to follow from the requests", "chance (9 %)"}},
		{"contradictory answers", Exam{Papers: near(papers("refund", 100, 0, 100)), Lookup: 0.5, Shuffled: 0.1},
			[]string{"contradictory"}},
		{"hard", Exam{Papers: papers("refund", 150, 0, 50), Lookup: 0.4, Shuffled: 0.1},
			[]string{"10.0 points short", "untrained base: 0 %", "more train pairs"}},
		{"errors", Exam{Papers: broken, Lookup: 0.4, Shuffled: 0.1},
			[]string{"answers failed and count as 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.exam.Threshold, c.exam.MinEvalPairs = 0.85, 100
			e := Judge(c.exam)
			for _, s := range c.says {
				if !strings.Contains(e.Reason, s) {
					t.Errorf("%q does not say %q", e.Reason, s)
				}
			}
		})
	}
}

func TestAsManyMorePairsAsTheReasonSaysDoPass(t *testing.T) {
	e := Judge(Exam{Threshold: 0.85, MinEvalPairs: 100, Papers: papers("refund", 174, 0, 26), Lookup: 0.6})
	var more, all int
	at := strings.Index(e.Reason, "about ")
	if _, err := fmt.Sscanf(e.Reason[at:], "about %d more unseen requests answered as well would pass (%d in all)", &more, &all); err != nil {
		t.Fatalf("%q: %v", e.Reason, err)
	}
	right := int(math.Round(0.87 * float64(all)))
	if again := Judge(Exam{Threshold: 0.85, MinEvalPairs: 100, Verdicts: 1, Papers: papers("refund", right, 0, all-right)}); again.Verdict != VerdictPassed {
		t.Errorf("with %d in all: %s", all, again.Reason)
	}
}

func TestWords(t *testing.T) {
	got := Judge(Exam{Papers: papers("refund", 281, 9, 10)}).Words()
	if want := "of 300 unseen requests: 281 identical, 9 close, 10 different"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
