// Package evaluator has the rules by which two answers to the same request are
// compared: how alike they read (similarity) and whether they say the same
// (exact). What turns a text into a vector is the caller's.
package evaluator

import (
	"context"
	"fmt"
	"math"
	"strings"
)

// Pair is one comparison: the answer that was expected and the one that came.
type Pair struct {
	ID       string `json:"id"`
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// Score is the outcome of one comparison.
type Score struct {
	ID string `json:"id"`
	// Similarity is the cosine of the two sentence vectors, clipped to [0, 1].
	// An empty answer has 0, or 1 where nothing was expected.
	Similarity float64 `json:"similarity"`
	// Exact is what function Exact says.
	Exact bool `json:"exact"`
}

// Embedder turns texts into vectors of length one, in the order given. It is
// safe for concurrent use. The vectors belong to the embedder: read only.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// Dimensions is the length of every vector.
	Dimensions() int
}

// Compare scores every pair, in order. It embeds only what the rules cannot
// answer without, all in one call.
func Compare(ctx context.Context, e Embedder, pairs []Pair) ([]Score, error) {
	scores := make([]Score, len(pairs))
	var texts []string
	var open []int
	for i, p := range pairs {
		scores[i] = Score{ID: p.ID, Exact: Exact(p.Expected, p.Actual)}
		switch {
		case p.Expected == p.Actual || (blank(p.Expected) && blank(p.Actual)):
			scores[i].Similarity = 1
		case blank(p.Expected) || blank(p.Actual):
			scores[i].Similarity = 0
		default:
			open = append(open, i)
			texts = append(texts, p.Expected, p.Actual)
		}
	}
	if len(open) == 0 {
		return scores, nil
	}
	vectors, err := e.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("embed %d answers: %w", len(texts), err)
	}
	for n, i := range open {
		scores[i].Similarity = Clip(Dot(vectors[2*n], vectors[2*n+1]))
	}
	return scores, nil
}

// Exact reports whether actual says the same as expected. Where expected is a
// JSON object or array both are compared in canonical form, else as text: white
// space folded, upper and lower case alike, punctuation kept.
func Exact(expected, actual string) bool {
	if want, ok := Canonical(expected); ok {
		got, ok := Canonical(actual)
		return ok && got == want
	}
	return strings.EqualFold(fold(expected), fold(actual))
}

// Dot is the inner product, in float64; of vectors of length one it is their cosine.
func Dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// Clip limits x to [0, 1]; what is not a number becomes 0.
func Clip(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(1, max(0, x))
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }
func blank(s string) bool  { return strings.TrimSpace(s) == "" }
