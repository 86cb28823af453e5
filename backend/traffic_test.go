package understudy

import (
	"testing"
	"time"
)

func TestTrafficIsSortedIntoSpansWithoutGaps(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds int, s Source, r Reason, latency time.Duration, complete bool) Seen {
		return Seen{Endpoint: "e", At: now.Add(time.Duration(seconds) * time.Second), Source: s, Reason: r, Latency: latency, Complete: complete}
	}
	points := Traffic([]Seen{
		at(-179, SourceLLM, ReasonNormal, 100*time.Millisecond, true),
		at(-5, SourceSLM, ReasonNormal, 10*time.Millisecond, true),
		at(-4, SourceSLM, ReasonNormal, 30*time.Millisecond, false),
		at(-3, SourceLLM, ReasonFallback, 300*time.Millisecond, true),
		at(-2, SourceSLM, ReasonShadow, time.Hour, true),   // nobody's request
		at(-2, SourceLLM, ReasonImport, time.Hour, true),   // nor this
		at(-900, SourceLLM, ReasonNormal, time.Hour, true), // too old
	}, now.Add(-3*time.Minute), now, time.Minute)
	if len(points) != 3 || points[0].LLM != 1 || points[1].LLM+points[1].SLM != 0 || points[1].P50 != 0 {
		t.Fatalf("got %+v", points)
	}
	last := points[2]
	if last.LLM != 1 || last.SLM != 2 || last.Fallbacks != 1 || last.Failed != 1 {
		t.Errorf("got %+v", last)
	}
	if last.SLMP50 != 10*time.Millisecond || last.LLMP50 != 300*time.Millisecond || last.P50 != 30*time.Millisecond || last.P95 != 300*time.Millisecond {
		t.Errorf("got %+v", last)
	}
}

func TestPercentilesAreValuesThatThereAre(t *testing.T) {
	if Percentile([]int{}, 50) != 0 || Percentile([]int{7}, 95) != 7 || Percentile([]int{4, 1, 3, 2}, 50) != 2 || Percentile([]int{1, 2, 3, 4}, 95) != 4 {
		t.Error("a percentile is wrong")
	}
}

func TestTheRecentPastIsSummedByEndpoint(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := RecentOf([]Seen{
		{Endpoint: "a", At: now, Source: SourceSLM, Latency: 5},
		{Endpoint: "a", At: now.Add(-5 * time.Minute), Source: SourceLLM, Latency: 9},
		{Endpoint: "b", At: now, Source: SourceLLM, Latency: 7},
	}, now.Add(-time.Minute))
	if r["a"] != (Recent{LLM: 1, SLM: 1, LastMinute: 1, SLMP50: 5, LLMP50: 9}) || r["b"].LLM != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestAHistogramLeavesOutWhatIsIdentical(t *testing.T) {
	value := func(x float64) *float64 { return &x }
	yes, no := true, false
	bins := Histogram([]EvalAnswer{
		{Similarity: value(1), Exact: &yes}, {Similarity: value(1), Exact: &no}, {Similarity: value(0.951), Exact: &no},
		{Similarity: value(0.049), Exact: &no}, {Error: "timeout"}, {}, {Similarity: value(-0.1)},
	})
	if len(bins) != SimilarityBins || bins[0].Count != 3 || bins[19].Count != 2 || bins[19].To != 1 {
		t.Errorf("got %+v", bins)
	}
}
