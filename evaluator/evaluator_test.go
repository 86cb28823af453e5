package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExact(t *testing.T) {
	for _, c := range []struct {
		name, expected, actual string
		want                   bool
	}{
		{"the same text", "Refund", "Refund", true},
		{"white space is folded", " card\n\tarrival ", "card arrival", true},
		{"upper and lower case are alike", "Straße ÉTÉ", "straße été", true},
		{"punctuation at the end counts", "Yes", "Yes.", false},
		{"other words differ", "refund", "return", false},
		{"two empty answers agree", " ", "", true},
		{"an empty answer is not the expected one", "refund", "", false},
		{"keys may come in any order", `{"a":1,"b":[true,null]}`, `{ "b": [true, null], "a": 1 }`, true},
		{"numbers count by value", `[1, 10, 0.5, -0, 1200]`, `[1.0, 1e1, 5E-1, 0, 12e2]`, true},
		{"numbers beyond float64 keep their digits", `[12345678901234567890]`, `[12345678901234567891]`, false},
		{"a huge exponent costs nothing", `[1e999999999]`, `[10e999999998]`, true},
		{"a list has an order", `[1,2]`, `[2,1]`, false},
		{"strings in JSON keep their case", `{"a":"X"}`, `{"a":"x"}`, false},
		{"escapes mean their character", `{"a":"\u00e9\/"}`, `{"a":"é/"}`, true},
		{"a number is not its text", `{"a":1}`, `{"a":"1"}`, false},
		{"a missing member differs from null", `{"a":null}`, `{}`, false},
		{"JSON with words around it differs", `{"a":1}`, `Here: {"a":1}`, false},
		{"two values differ from one", `{"a":1}`, `{"a":1}{"a":1}`, false},
		{"a key named twice has no one meaning", `{"a":1}`, `{"a":2,"a":1}`, false},
		{"broken JSON differs", `{"a":1}`, `{"a":1`, false},
		{"text that only begins like JSON is text", `[sic] Yes`, `[SIC]  yes`, true},
		{"a bare number is text", `1`, `1.0`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Exact(c.expected, c.actual); got != c.want {
				t.Errorf("Exact(%q, %q) = %v", c.expected, c.actual, got)
			}
		})
	}
}

// letters is an embedder that a test can foresee: the letters a and b are axes.
type letters struct{ asked []string }

func (l *letters) Dimensions() int { return 2 }

func (l *letters) Embed(_ context.Context, texts []string) ([][]float32, error) {
	l.asked = texts
	out := make([][]float32, len(texts))
	for i, s := range texts {
		a, b := float64(strings.Count(s, "a")-strings.Count(s, "A")), float64(strings.Count(s, "b"))
		n := math.Hypot(a, b)
		out[i] = []float32{float32(a / n), float32(b / n)}
	}
	return out, nil
}

func TestCompare(t *testing.T) {
	e := &letters{}
	scores, err := Compare(context.Background(), e, []Pair{
		{"same", "ab", "ab"}, {"across", "a", "b"}, {"half", "ab", "b"}, {"against", "a", "A"},
		{"empty", "a", " "}, {"unexpected", "", "a"}, {"nothing", "", "\n"}, {"no vector", "a", "zzz"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range scores {
		scores[i].Similarity = math.Round(scores[i].Similarity*1e4) / 1e4
	}
	want := []Score{{"same", 1, true}, {"across", 0, false}, {"half", 0.7071, false}, {"against", 0, true},
		{"empty", 0, false}, {"unexpected", 0, false}, {"nothing", 1, true}, {"no vector", 0, false}}
	if diff := cmp.Diff(want, scores); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "ab", "b", "a", "A", "a", "zzz"}, e.asked); diff != "" {
		t.Errorf("embedded other texts than needed: %s", diff)
	}
}

type broken struct{}

func (broken) Dimensions() int { return 2 }
func (broken) Embed(context.Context, []string) ([][]float32, error) {
	return nil, errors.ErrUnsupported
}

func TestCompareReportsWhatTheEmbedderSays(t *testing.T) {
	if _, err := Compare(context.Background(), broken{}, []Pair{{"x", "a", "b"}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// The canonical form must mean what the text means, and be its own canonical form.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,{"b":null}],"":true}`, `[1e5,-0.0,1E-3]`, `[]`, `{"a":1,"a":2}`, `["\ud800"]`, "[1]\xff", `[0.0e-0]`, strings.Repeat("[", 2000)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		ca, ok := Canonical(a)
		if !ok {
			return
		}
		if again, ok := Canonical(ca); !ok || again != ca {
			t.Fatalf("%q has the canonical form %q, and that %q (%v)", a, ca, again, ok)
		}
		spaced := strings.NewReplacer("[", "[ ", "{", "{\n").Replace(a)
		if !strings.ContainsRune(a, '"') && !Exact(a, spaced) {
			t.Fatalf("%q differs from %q", a, spaced)
		}
		if Exact(a, b) != Exact(b, a) {
			t.Fatalf("%q and %q agree one way only", a, b)
		}
	})
}

func ExampleExact() {
	fmt.Println(Exact(`{"intent": "refund", "urgent": false}`, `{"urgent":false,"intent":"refund"}`))
	// Output: true
}
