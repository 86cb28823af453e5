package understudy

import (
	"math"
	"time"
)

// Exam is everything that a verdict is reached from.
type Exam struct {
	Metric       Metric  // the endpoint's; auto is decided here
	Threshold    float64 // 0 to 1
	MinEvalPairs int
	Verdicts     int          // earlier verdicts on the same model
	Papers       []Paper      // one a distinct unseen prompt, in pair id order
	Base         []EvalAnswer // the untrained base's answers to some of them
	Shuffled     float64      // score of the expected answers dealt at random
	Lookup       float64      // score of the nearest train prompt's answer
}

// Paper is one unseen request with the answer that the LLM gave and the one
// that the model gave, scored.
type Paper struct {
	Expected Answer
	Actual   EvalAnswer
}

// firstAlpha is the chance of passing a model that is not good enough, of its
// first verdict. Each further one on the same model has half of the one
// before, so that asking again and again does not help.
const firstAlpha = 0.05

// Alpha returns the error probability of the verdict that follows the given
// number of earlier ones.
func Alpha(verdicts int) float64 { return firstAlpha / math.Pow(2, float64(verdicts)) }

// Judge reaches the verdict: passed if there are at least MinEvalPairs papers
// and the one-sided lower confidence bound of the metric is at or above the
// threshold. It fills in everything but whose evaluation it is and when it was.
func Judge(x Exam) Evaluation {
	e := Evaluation{
		Metric: x.Metric, N: len(x.Papers), Alpha: Alpha(x.Verdicts), Threshold: x.Threshold,
		BaseN: len(x.Base), ShuffledScore: x.Shuffled, LookupScore: x.Lookup,
	}
	if e.Metric != MetricExact && e.Metric != MetricSimilarity {
		e.Metric = ChooseMetric(x.Papers)
	}
	values := make([]float64, len(x.Papers))
	var near, far []float64
	var latency time.Duration
	for i, p := range x.Papers {
		values[i] = p.Actual.Score(e.Metric)
		switch {
		case p.Actual.Near == nil: // too many likely ones to compare them all
		case *p.Actual.Near:
			near = append(near, values[i])
		default:
			far = append(far, values[i])
		}
		latency += p.Actual.Latency
		e.count(p.Actual)
	}
	var base []float64
	for _, a := range x.Base {
		base = append(base, a.Score(e.Metric))
	}
	e.Score, e.BaseScore = mean(values), mean(base)
	e.NearN, e.NearScore, e.FarN, e.FarScore = len(near), mean(near), len(far), mean(far)
	e.Lower = lowerBound(e.Metric, values, e.Alpha)
	if e.N > 0 {
		e.MeanLatency = latency / time.Duration(e.N)
	}
	e.Verdict = VerdictRefused
	if e.N >= x.MinEvalPairs && e.Lower >= e.Threshold {
		e.Verdict = VerdictPassed
	}
	e.Reason = reason(e, x.MinEvalPairs, values)
	return e
}

func (e *Evaluation) count(a EvalAnswer) {
	switch {
	case a.Error != "":
		e.Errors++
		e.Different++
	case a.Exact != nil && *a.Exact:
		e.Identical++
	case a.Similarity != nil && *a.Similarity >= CloseSimilarity:
		e.Close++
	default:
		e.Different++
	}
}

// Score returns what the answer is worth by the metric, 0 to 1. An answer that
// errored, or that nobody scored, is worth nothing.
func (a EvalAnswer) Score(m Metric) float64 {
	switch {
	case a.Error != "":
		return 0
	case m == MetricExact && a.Exact != nil && *a.Exact:
		return 1
	case m == MetricSimilarity && a.Similarity != nil:
		return max(0, min(1, *a.Similarity))
	}
	return 0
}

// lowerBound is the metric's one-sided lower confidence bound.
func lowerBound(m Metric, values []float64, alpha float64) float64 {
	if m == MetricSimilarity {
		return BettingBound(values, alpha)
	}
	var right int
	for _, v := range values {
		if v == 1 {
			right++
		}
	}
	return ClopperPearson(right, len(values), alpha)
}

func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
