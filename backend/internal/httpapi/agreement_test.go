package httpapi

import (
	"context"
	"strconv"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// words is a Scorer that finds the same words half alike, and hands on what it
// was asked.
type words chan []understudy.Comparison

func (w words) Score(_ context.Context, pairs []understudy.Comparison) ([]understudy.Likeness, error) {
	out := make([]understudy.Likeness, len(pairs))
	for i, p := range pairs {
		out[i].Similarity = 0.5
		if p.Expected == p.Actual {
			out[i].Similarity = 1
		}
	}
	w <- pairs
	return out, nil
}

func TestAgreementIsByTheMetricOfTheExam(t *testing.T) {
	asked := make(words, 10)
	now := time.Now()
	b := start(t, func(c *Config) { c.Evaluator, c.Now = asked, func() time.Time { return now } })
	b.endpoint("triage")
	m := b.onStage("triage")
	n := 0
	sample := func(llm, slm string) {
		n++
		teacher, shadow := sampled(m, strconv.Itoa(n), llm, slm)
		b.insert(teacher, shadow)
	}
	want := func(n int, agreement float64) {
		t.Helper()
		now = now.Add(time.Minute) // past the glance
		var s wire.Status
		b.call("GET", "/status", nil, 200, &s)
		if e := s.Endpoints[0]; e.Sampled != n || e.Agreement != agreement {
			t.Errorf("%v of %d sampled, want %v of %d", e.Agreement, e.Sampled, agreement, n)
		}
	}
	sample("Your parcel left on Monday.", "Your parcel left on Monday.")
	sample("It arrives soon.", "It is about to arrive.")
	exam := understudy.Evaluation{ModelID: m.ID, Attempt: 1, N: 100, Metric: understudy.MetricExact}
	put := func() {
		if err := b.db.PutEvaluation(t.Context(), 0, exam); err != nil {
			t.Fatal(err)
		}
	}
	put()
	want(2, 0.5)

	exam.Metric = understudy.MetricSimilarity
	put()
	want(0, 0) // nobody waits for the evaluator
	scored := func(n int) {
		t.Helper()
		if got := <-asked; len(got) != n {
			t.Errorf("%d samples were scored, want %d", len(got), n)
		}
		b.api.alike.work.Wait()
	}
	scored(2)
	want(2, 0.75)
	sample("No.", "Never.")
	want(2, 0.75)
	scored(1) // only the new one
	want(3, 2.0/3)
}
