package understudy

import "math"

// ClopperPearson returns the exact one-sided lower confidence bound of a share
// of which k of n were seen, at confidence 1-alpha (Clopper and Pearson, 1934):
// the p at which k or more of n have probability alpha.
func ClopperPearson(k, n int, alpha float64) float64 {
	if n <= 0 || k <= 0 {
		return 0
	}
	k = min(k, n)
	low, high := 0.0, float64(k)/float64(n)
	for range 60 {
		mid := (low + high) / 2
		// P(X >= k) = I_mid(k, n-k+1), which grows with mid
		if regularizedBeta(mid, float64(k), float64(n-k+1)) < alpha {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// regularizedBeta is I_x(a, b) by its continued fraction (Abramowitz and
// Stegun 26.5.8), evaluated by Lentz's method.
func regularizedBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction of the mirrored one converges fast
		return 1 - regularizedBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a

	const tiny, enough = 1e-300, 1e-15
	f, c, d := 1.0, 1.0, 0.0
	for i := range 10_000 {
		m := float64(i / 2)
		var term float64
		switch {
		case i == 0:
			term = 1
		case i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + term*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + term/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < enough {
			break
		}
	}
	return front * (f - 1)
}

// BettingBound returns a one-sided lower confidence bound, at confidence
// 1-alpha, of the mean of values in [0,1]: the betting bound of Waudby-Smith
// and Ramdas, "Estimating means of bounded random variables by betting" (2023).
// A gambler bets against each candidate mean m that the next value lies above
// it; where his capital ever reaches 1/alpha, m is ruled out (Ville). The
// stakes are the paper's predictable plug-in for a fixed n. Values are taken in
// the order given, which must not depend on them.
func BettingBound(values []float64, alpha float64) float64 {
	if len(values) == 0 {
		return 0
	}
	stakes := bettingStakes(values, alpha)
	low, high := 0.0, 1.0
	for range 50 {
		// the capital falls as m grows, so that what is ruled out is an interval
		if mid := (low + high) / 2; ruledOut(values, stakes, mid, alpha) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// bettingStakes are sqrt(2 log(1/alpha) / (n s²)), where s² is the variance of
// the values before, regularised by one imagined value a half away from 1/2.
func bettingStakes(values []float64, alpha float64) []float64 {
	n := float64(len(values))
	stakes := make([]float64, len(values))
	sum, squares := 0.5, 0.25
	for i, x := range values {
		stakes[i] = math.Sqrt(2 * math.Log(1/alpha) / (n * squares / float64(i+1)))
		sum += x
		mean := sum / float64(i+2)
		squares += (x - mean) * (x - mean)
	}
	return stakes
}

// maxStake is how much of his capital the gambler may lose in one round.
const maxStake = 0.75

func ruledOut(values, stakes []float64, m, alpha float64) bool {
	capital, goal := 0.0, math.Log(1/alpha)
	for i, x := range values {
		stake := stakes[i]
		if m > 0 {
			stake = min(stake, maxStake/m)
		}
		capital += math.Log1p(stake * (x - m))
		if capital >= goal {
			return true
		}
	}
	return false
}
