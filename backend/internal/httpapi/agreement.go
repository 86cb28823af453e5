package httpapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	understudy "understudy.dev/backend"
)

// agreed is what n samples come to, each worth 0 to 1.
type agreed struct {
	n   int
	sum float64
}

const (
	// likenMost bounds what similarity costs: a text takes the evaluator some
	// 50 ms where it has no native library.
	likenMost   = 100
	likenAtOnce = 10
	likenFor    = time.Minute
	likenRest   = 30 * time.Second
)

// agreement compares an endpoint's sampled answers by the metric that its
// model was examined by.
func (a *API) agreement(ctx context.Context, endpoint string) (agreed, error) {
	metric, samples, err := a.DB.Samples(ctx, endpoint)
	if err != nil {
		return agreed{}, err
	}
	if metric == understudy.MetricAuto { // put on stage without an exam
		papers := make([]understudy.Paper, len(samples))
		for i, s := range samples {
			papers[i].Expected = s.LLM
		}
		metric = understudy.ChooseMetric(papers)
	}
	if metric == understudy.MetricSimilarity {
		return a.alike.of(endpoint, samples[:min(len(samples), likenMost)], a.Evaluator), nil
	}
	out := agreed{n: len(samples)}
	for _, s := range samples {
		if understudy.SameAnswer(s.LLM, s.SLM) {
			out.sum++
		}
	}
	return out, nil
}

// likeness keeps the similarity of samples, which nobody waits for: what is
// not scored yet is not counted yet.
type likeness struct {
	mu    sync.Mutex
	known map[string]map[string]float64      // by endpoint and sample
	open  map[string][]understudy.Comparison // by endpoint
	rest  time.Time                          // after an error, until then
	busy  bool
	work  sync.WaitGroup
}

// of counts the samples that are scored, forgets those that are no longer
// among the newest, and has the rest scored.
func (l *likeness) of(endpoint string, samples []understudy.Sample, evaluator Scorer) agreed {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known, l.open = map[string]map[string]float64{}, map[string][]understudy.Comparison{}
	}
	var out agreed
	var open []understudy.Comparison
	current := map[string]float64{}
	for _, s := range samples {
		if v, ok := l.known[endpoint][s.ID]; ok {
			current[s.ID] = v
			out.n, out.sum = out.n+1, out.sum+v
		} else {
			open = append(open, understudy.Comparison{ID: s.ID, Expected: s.LLM.Canonical(), Actual: s.SLM.Canonical()})
		}
	}
	l.known[endpoint], l.open[endpoint] = current, open
	if len(open) > 0 && !l.busy && evaluator != nil && time.Now().After(l.rest) {
		l.busy = true
		l.work.Go(func() { l.score(evaluator) })
	}
	return out
}

// score works until nothing is open, a few of one endpoint at a time, and
// keeps what it has.
func (l *likeness) score(evaluator Scorer) {
	for {
		endpoint, some := l.next()
		if len(some) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), likenFor)
		scores, err := evaluator.Score(ctx, some)
		cancel()
		if err != nil {
			slog.Debug("the sampled answers cannot be compared now", "endpoint", endpoint, "error", err)
		}
		l.keep(endpoint, some, scores, err)
	}
}

// next takes some of an endpoint's open samples, of whichever the map names
// first, so that none waits for ever; none at the end.
func (l *likeness) next() (endpoint string, some []understudy.Comparison) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, open := range l.open {
		if n := min(len(open), likenAtOnce); n > 0 {
			l.open[name] = open[n:]
			return name, open[:n]
		}
	}
	l.busy = false
	return "", nil
}

func (l *likeness) keep(endpoint string, asked []understudy.Comparison, scores []understudy.Likeness, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.rest = time.Now().Add(likenRest)
		clear(l.open)
		return
	}
	for i, s := range scores {
		l.known[endpoint][asked[i].ID] = s.Similarity
	}
}
