package evaluatorclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"testing"

	understudy "understudy.dev/backend"
)

type exchange struct {
	Path     string          `json:"path"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
}

func read(t *testing.T) (c struct{ Score, Embed exchange }) {
	t.Helper()
	b, err := os.ReadFile("../../../ci/contract/evaluator.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// contractServer answers as the contract says and fails the test where it is
// asked anything else.
func contractServer(t *testing.T, c exchange) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got, want any
		_ = json.NewDecoder(r.Body).Decode(&got)
		_ = json.Unmarshal(c.Request, &want)
		if r.URL.Path != c.Path || !reflect.DeepEqual(got, want) {
			t.Errorf("asked %s %v, want %s %v", r.URL.Path, got, c.Path, want)
		}
		w.Write(c.Response)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestScoreSpeaksTheContract(t *testing.T) {
	c := read(t).Score
	got, err := New(contractServer(t, c).URL, "", 100).Score(context.Background(), []understudy.Comparison{
		{ID: "a", Expected: `{"intent": "refund", "urgent": false}`, Actual: `{"urgent":false,"intent":"refund"}`},
		{ID: "b", Expected: "Card arrival", Actual: "card  arrival"},
		{ID: "c", Expected: "The parcel is late.", Actual: "Your package is delayed."},
	})
	want := []understudy.Likeness{{Similarity: 0.98, Exact: true}, {Similarity: 0.99, Exact: true}, {Similarity: 0.8}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// The yardsticks use the domain's twin of the evaluator's rule.
func TestTheDomainCallsTheSameAnswersExact(t *testing.T) {
	var in struct {
		Pairs []struct{ Expected, Actual string }
	}
	var out struct{ Scores []struct{ Exact bool } }
	c := read(t).Score
	if err := json.Unmarshal(c.Request, &in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(c.Response, &out); err != nil {
		t.Fatal(err)
	}
	for i, p := range in.Pairs {
		if got := understudy.SameAnswer(understudy.Answer{Text: p.Expected}, understudy.Answer{Text: p.Actual}); got != out.Scores[i].Exact {
			t.Errorf("%q and %q: same %v, the contract says %v", p.Expected, p.Actual, got, out.Scores[i].Exact)
		}
	}
}

func TestEmbedSpeaksTheContract(t *testing.T) {
	got, err := New(contractServer(t, read(t).Embed).URL, "", 100).Embed(context.Background(), []string{"Where is my parcel?"})
	if err != nil || len(got) != 1 || got[0][0] != 0.01 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestScoreKeepsTheOrderOverManyBatches(t *testing.T) {
	var batches []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Pairs []struct{ ID string } }
		_ = json.NewDecoder(r.Body).Decode(&in)
		batches = append(batches, len(in.Pairs))
		type score struct {
			ID         string  `json:"id"`
			Similarity float64 `json:"similarity"`
		}
		var out struct {
			Scores []score `json:"scores"`
		}
		for _, p := range in.Pairs {
			var n int
			fmt.Sscan(p.ID, &n)
			out.Scores = append(out.Scores, score{p.ID, float64(n) / 1000})
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	defer server.Close()
	var pairs []understudy.Comparison
	for i := range 250 {
		pairs = append(pairs, understudy.Comparison{ID: fmt.Sprint(i)})
	}
	got, err := New(server.URL, "", 5000).Score(context.Background(), pairs)
	if err != nil || !reflect.DeepEqual(batches, []int{100, 100, 50}) {
		t.Fatalf("batches %v, %v", batches, err)
	}
	for i, l := range got {
		if l.Similarity != float64(i)/1000 {
			t.Fatalf("score %d is %v", i, l)
		}
	}
}

func TestAnAnswerThatIsTooShortIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"scores":[]}`)) }))
	defer server.Close()
	_, err := New(server.URL, "", 100).Score(context.Background(), []understudy.Comparison{{ID: "a"}})
	if understudy.CodeOf(err) != understudy.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}
