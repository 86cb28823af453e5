package understudy

import (
	"fmt"
	"math"
)

// Words says an evaluation in a person's words.
func (e Evaluation) Words() string {
	return fmt.Sprintf("of %d unseen requests: %d identical, %d close, %d different", e.N, e.Identical, e.Close, e.Different)
}

// reason is the sentence with the numbers and, where the verdict is refused,
// what would help.
func reason(e Evaluation, minPairs int, values []float64) string {
	if e.N < minPairs {
		return fmt.Sprintf("A verdict needs %d distinct unseen requests and %d are there: %d are missing. Let the LLM answer more; one conversation in five is kept for evaluation.",
			minPairs, e.N, minPairs-e.N)
	}
	what := fmt.Sprintf("%d of %d unseen requests answered identically (%s)", e.Identical, e.N, percent(e.Score))
	if e.Metric == MetricSimilarity {
		what = fmt.Sprintf("mean similarity %.3f over %d unseen requests", e.Score, e.N)
	}
	bound := fmt.Sprintf("with %s confidence at least %s", percent(1-e.Alpha), e.amount(e.Lower))
	if e.Verdict == VerdictPassed {
		return fmt.Sprintf("%s; %s, at or above the threshold of %s.", what, bound, e.amount(e.Threshold))
	}
	return fmt.Sprintf("%s; %s, below the threshold of %s. %s", what, bound, e.amount(e.Threshold), e.help(values))
}

// chanceMargin is how far above chance a yardstick must be to have shown that
// answers follow from requests.
const chanceMargin = 0.10

// help says what would bring a refused model nearer.
func (e Evaluation) help(values []float64) string {
	var last string
	if e.Errors > 0 {
		last = fmt.Sprintf(" %d answers failed and count as 0: look at them first.", e.Errors)
	}
	switch short := e.Threshold - e.Score; {
	case short <= 0:
		if n := enoughPairs(e, values); n > 0 {
			return fmt.Sprintf("The score itself is above: about %d more unseen requests answered as well would pass (%d in all).%s", n-e.N, n, last)
		}
		return "The score itself is hardly above: only a better model or far more unseen requests would pass." + last
	case e.NearN >= 10 && e.NearScore < e.Threshold-chanceMargin && e.LookupScore < e.Threshold-chanceMargin:
		return "Even requests that are nearly the same as known ones are answered differently: look for wrong or contradictory answers of the LLM." + last
	case e.LookupScore <= e.ShuffledScore+chanceMargin && e.Score <= e.ShuffledScore+2*chanceMargin:
		return fmt.Sprintf("Neither the model nor a look-up of the most similar known request (%s) is far above chance (%s): the answers seem not to follow from the requests. Look for wrong or contradictory answers, or answers that need knowledge from elsewhere.%s",
			e.amount(e.LookupScore), e.amount(e.ShuffledScore), last)
	case e.LookupScore > e.Score+0.02:
		return fmt.Sprintf("A look-up of the most similar known request does better (%s): the model has learned too little. Train for more steps or with a larger base.%s", e.amount(e.LookupScore), last)
	default:
		return fmt.Sprintf("The score is %.1f points short (untrained base: %s): more train pairs, more steps or a larger base would help.%s", 100*short, e.amount(e.BaseScore), last)
	}
}

// enoughPairs returns how many papers like these would pass the next verdict,
// 0 if not even twenty times as many.
func enoughPairs(e Evaluation, values []float64) int {
	for n := len(values); n <= 20*len(values); n += max(1, n/20) {
		more := make([]float64, n)
		for i := range more {
			more[i] = values[i%len(values)]
		}
		lower := 0.0
		if e.Metric == MetricExact {
			lower = ClopperPearson(int(math.Round(e.Score*float64(n))), n, e.Alpha/2)
		} else {
			lower = BettingBound(more, e.Alpha/2)
		}
		if lower >= e.Threshold {
			return n
		}
	}
	return 0
}

func (e Evaluation) amount(x float64) string {
	if e.Metric == MetricSimilarity {
		return fmt.Sprintf("%.3f", x)
	}
	return percent(x)
}

func percent(x float64) string { return fmt.Sprintf("%.4g %%", math.Round(1000*x)/10) }
