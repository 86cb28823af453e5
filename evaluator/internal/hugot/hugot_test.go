package hugot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shared is the model for all tests: ONNX Runtime allows one a process.
var shared = sync.OnceValues(func() (*Model, error) {
	return Open(context.Background(), Options{Dir: modelDir(), LibraryDir: os.Getenv("ONNXRUNTIME_DIR")})
})

func modelDir() string {
	if dir := os.Getenv("MODEL_DIR"); dir != "" {
		return dir
	}
	cache, _ := os.UserCacheDir()
	return filepath.Join(cache, "understudy", "models", ModelName)
}

// open returns the real model; make setup fetches it.
func open(t testing.TB) *Model {
	t.Helper()
	if _, err := os.Stat(filepath.Join(modelDir(), "model.onnx")); err != nil {
		t.Skipf("no sentence model in %s: run make setup, or set MODEL_DIR", modelDir())
	}
	m, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func embed(t testing.TB, m *Model, texts ...string) [][]float32 {
	t.Helper()
	vectors, err := m.Embed(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(vectors), len(texts))
	}
	return vectors
}

func distance(a, b []float32) float64 {
	var most float64
	for i := range a {
		most = max(most, math.Abs(float64(a[i])-float64(b[i])))
	}
	return most
}

type goldenCase struct {
	Text   string
	Times  int
	Vector []float32
}

func golden(t testing.TB) []goldenCase {
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		cases[i].Text = strings.Repeat(cases[i].Text, max(1, cases[i].Times))
	}
	return cases
}

func TestVectorsAreThoseOfSentenceTransformers(t *testing.T) {
	m := open(t)
	cases := golden(t)
	texts := make([]string, len(cases))
	for i, c := range cases {
		texts[i] = c.Text
	}
	together := embed(t, m, texts...)
	for i, c := range cases {
		t.Run(fmt.Sprintf("%.20q", c.Text), func(t *testing.T) {
			if d := distance(together[i], c.Vector); d > 1e-3 {
				t.Errorf("differs by %g from sentence-transformers", d)
			}
			m.cache.Purge()
			if d := distance(embed(t, m, c.Text)[0], together[i]); d > 1e-5 {
				t.Errorf("differs by %g alone and in a batch", d)
			}
		})
	}
}

func TestEmbedTakesAnyInput(t *testing.T) {
	m := open(t)
	for _, c := range []struct {
		name, text, same string
	}{
		{"bytes that are not UTF-8 count as the replacement character", "late \xff\xfe parcel", "late \uFFFD parcel"},
		{"a NUL does not end the text", "late\x00 parcel", "late parcel"},
		{"ten megabytes are cut to what the model reads", strings.Repeat("late parcel ", 900_000), strings.Repeat("late parcel ", 127)},
		{"ten megabytes without a space end too", strings.Repeat("a", 10<<20), strings.Repeat("a", 200)},
		{"ten megabytes of white space are an empty text", strings.Repeat(" \n", 5<<20), ""},
		{"white space before a long text does not push it out", strings.Repeat(" ", 200_000) + "late", "late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := embed(t, m, c.text, c.same); distance(v[0], v[1]) > 1e-4 {
				t.Errorf("differs by %g from %.30q", distance(v[0], v[1]), c.same)
			}
		})
	}
	if v := embed(t, m); len(v) != 0 {
		t.Errorf("%d vectors for no text", len(v))
	}
}

func TestManyMayEmbedAtOnce(t *testing.T) {
	m := open(t)
	m.cache.Purge()
	cases := golden(t)[:12]
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 4 {
				order := r.Perm(len(cases))[:5]
				texts := make([]string, len(order))
				for i, n := range order {
					texts[i] = cases[n].Text
				}
				vectors, err := m.Embed(context.Background(), texts)
				if err != nil {
					t.Error(err)
					return
				}
				for i, n := range order {
					if d := distance(vectors[i], cases[n].Vector); d > 1e-3 {
						t.Errorf("%.20q differs by %g", texts[i], d)
					}
				}
				m.cache.Remove(keyOf(texts[0]))
			}
		})
	}
	all.Wait()
}

func TestEmbedEndsWithItsContext(t *testing.T) {
	m := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Embed(ctx, []string{"never seen before by any test"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOpenSaysWhatIsWrongWithTheModelFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(context.Background(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "lacks model.onnx") {
		t.Errorf("empty folder: %v", err)
	}
}

func BenchmarkEmbed(b *testing.B) {
	m := open(b)
	words := strings.Fields("hello my order has not arrived yet please refund the money to my card and tell me where the parcel went")
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				texts := make([]string, size)
				for i := range texts {
					for range 8 + r.IntN(20) {
						texts[i] += words[r.IntN(len(words))] + " "
					}
				}
				embed(b, m, texts...)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}
