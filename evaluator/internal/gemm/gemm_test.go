package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// naive is the definition, in float64.
func naive(a, b []float32, batch, m, n, k int) []float64 {
	c := make([]float64, batch*m*n)
	for i := range batch {
		for row := range m {
			for col := range n {
				for x := range k {
					c[i*m*n+row*n+col] += float64(a[i*m*k+row*k+x]) * float64(b[i*k*n+x*n+col])
				}
			}
		}
	}
	return c
}

func numbers(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

func check(t *testing.T, seed uint64, batch, m, n, k int) {
	r := rand.New(rand.NewPCG(seed, 1))
	a, b := numbers(r, batch*m*k), numbers(r, batch*k*n)
	c := numbers(r, batch*m*n+1)
	guard := c[len(c)-1]
	Multiply(c[:batch*m*n], a, b, batch, m, n, k)
	for i, want := range naive(a, b, batch, m, n, k) {
		if diff := math.Abs(float64(c[i]) - want); !(diff <= 1e-5*math.Sqrt(float64(k))*8) {
			t.Fatalf("c[%d] = %g, want %g", i, c[i], want)
		}
	}
	if c[len(c)-1] != guard {
		t.Fatal("wrote past the end of c")
	}
}

func TestMultiplyEqualsTheDefinition(t *testing.T) {
	if !Available() {
		t.Skip("this CPU has no AVX2 and FMA")
	}
	for _, size := range [][4]int{{1, 1, 1, 1}, {1, 6, 16, 8}, {1, 5, 15, 7}, {1, 7, 17, 33}, {3, 24, 24, 32}, {12, 9, 32, 9}, {1, 40, 384, 384}, {1, 13, 50, 1536}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { check(t, 7, size[0], size[1], size[2], size[3]) })
	}
}

func TestMultiplyMayRunManyTimesAtOnce(t *testing.T) {
	if !Available() {
		t.Skip("this CPU has no AVX2 and FMA")
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() { check(t, uint64(i), 2, 7+i, 20+i, 30+i) })
	}
	all.Wait()
}

func BenchmarkMultiply(b *testing.B) {
	if !Available() {
		b.Skip("this CPU has no AVX2 and FMA")
	}
	for _, size := range [][3]int{{192, 384, 384}, {192, 1536, 384}, {192, 384, 1536}, {24, 24, 32}} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			m, n, k := size[0], size[1], size[2]
			left, right, out := numbers(r, m*k), numbers(r, k*n), make([]float32, m*n)
			for b.Loop() {
				Multiply(out, left, right, 1, m, n, k)
			}
			b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
