package understudy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestClopperPearsonAgreesWithPublishedTables(t *testing.T) {
	for _, c := range []struct {
		k, n  int
		alpha float64
		want  float64
	}{
		{0, 10, 0.05, 0},
		{10, 10, 0.05, math.Pow(0.05, 0.1)}, // closed form where nothing failed
		{100, 100, 0.05, math.Pow(0.05, 0.01)},
		{1, 10, 0.05, 1 - math.Pow(0.95, 0.1)}, // closed form where one succeeded
		{5, 10, 0.025, 0.187086},
		{9, 10, 0.05, 0.605837},
		{282, 300, 0.05, 0.912336},
	} {
		if got := ClopperPearson(c.k, c.n, c.alpha); math.Abs(got-c.want) > 5e-4 {
			t.Errorf("%d of %d at alpha %g: bound %.6f, want %.6f", c.k, c.n, c.alpha, got, c.want)
		}
	}
}

// The bound p is where k or more successes have probability alpha: summed here
// term by term, independent of the beta function.
func TestClopperPearsonSolvesItsDefinition(t *testing.T) {
	for _, c := range []struct{ k, n int }{{1, 3}, {7, 20}, {85, 100}, {93, 100}, {930, 1000}, {999, 1000}} {
		for _, alpha := range []float64{0.05, 0.025, 0.05 / 64} {
			p := ClopperPearson(c.k, c.n, alpha)
			var tail float64
			for i := c.k; i <= c.n; i++ {
				tail += math.Exp(logChoose(c.n, i) + float64(i)*math.Log(p) + float64(c.n-i)*math.Log1p(-p))
			}
			if math.Abs(tail-alpha) > 1e-6 {
				t.Errorf("%d of %d: at %.6f the tail is %.8f, want alpha %.8f", c.k, c.n, p, tail, alpha)
			}
		}
	}
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// empiricalBernstein is the lower bound of Maurer and Pontil (2009), for
// comparison.
func empiricalBernstein(values []float64, alpha float64) float64 {
	n, mean := float64(len(values)), mean(values)
	var squares float64
	for _, x := range values {
		squares += (x - mean) * (x - mean)
	}
	l := math.Log(2 / alpha)
	return mean - math.Sqrt(2*squares/(n-1)*l/n) - 7*l/(3*(n-1))
}

var populations = []struct {
	name string
	mean float64
	draw func(*rand.Rand) float64
}{
	{"labels that are right 85 % of the time", 0.85, func(r *rand.Rand) float64 {
		if r.Float64() < 0.85 {
			return 1
		}
		return 0
	}},
	{"labels that are right half the time", 0.5, func(r *rand.Rand) float64 { return float64(r.IntN(2)) }},
	{"similarities spread evenly over 0.7 to 1", 0.85, func(r *rand.Rand) float64 { return 0.7 + 0.3*r.Float64() }},
	{"mostly alike with a rare disaster", 0.95*0.9 + 0.05*0.05, func(r *rand.Rand) float64 {
		if r.Float64() < 0.05 {
			return 0.05
		}
		return 0.85 + 0.1*r.Float64()
	}},
}

func TestBettingBoundIsBelowTheMeanAsOftenAsItSays(t *testing.T) {
	const runs = 1000
	for _, p := range populations {
		for _, n := range []int{30, 100, 300} {
			for _, alpha := range []float64{0.05, 0.0125} {
				t.Run(fmt.Sprintf("%s, n=%d, alpha=%g", p.name, n, alpha), func(t *testing.T) {
					random := rand.New(rand.NewPCG(7, uint64(n)))
					misses := 0
					for range runs {
						if BettingBound(draw(random, p.draw, n), alpha) > p.mean {
							misses++
						}
					}
					// three standard deviations of a binomial above alpha
					limit := alpha + 3*math.Sqrt(alpha*(1-alpha)/runs)
					if got := float64(misses) / runs; got > limit {
						t.Errorf("above the mean in %.2f %% of the runs, want at most %.2f %%", 100*got, 100*limit)
					}
				})
			}
		}
	}
}

func TestBettingBoundIsTighterThanEmpiricalBernstein(t *testing.T) {
	for _, p := range populations {
		t.Run(p.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(11, 3))
			var betting, bernstein float64
			for range 200 {
				values := draw(random, p.draw, 100)
				betting += p.mean - BettingBound(values, 0.05)
				bernstein += p.mean - empiricalBernstein(values, 0.05)
			}
			if betting > 0.8*bernstein {
				t.Errorf("mean distance to the truth %.4f, empirical Bernstein %.4f: want at most 0.8 of it", betting/200, bernstein/200)
			}
			t.Logf("mean distance to the truth: betting %.4f, empirical Bernstein %.4f", betting/200, bernstein/200)
		})
	}
}

func TestBettingBoundAtTheEdges(t *testing.T) {
	ones, zeros := make([]float64, 100), make([]float64, 100)
	for i := range ones {
		ones[i] = 1
	}
	if b := BettingBound(ones, 0.05); b < 0.93 || b >= 1 {
		t.Errorf("all answers perfect: bound %.4f, want 0.93 to below 1", b)
	}
	if b := BettingBound(zeros, 0.05); b > 1e-9 {
		t.Errorf("all answers worthless: bound %.4f, want 0", b)
	}
	if b := BettingBound(nil, 0.05); b != 0 {
		t.Errorf("no answers: bound %.4f, want 0", b)
	}
	if BettingBound(ones, 0.01) >= BettingBound(ones, 0.05) {
		t.Error("a smaller alpha must give a lower bound")
	}
}

func draw(random *rand.Rand, next func(*rand.Rand) float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = next(random)
	}
	return values
}
