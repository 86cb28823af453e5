package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// axes embeds each text as one of two vectors, by the evenness of its length.
type axes struct{ err error }

func (axes) Dimensions() int { return 2 }

func (a axes) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, s := range texts {
		out[i] = []float32{float32(len(s) % 2), float32(1 - len(s)%2)}
	}
	return out, a.err
}

func ready() *API {
	a := New("token")
	a.SetModel("all-MiniLM-L6-v2", axes{})
	return a
}

func post(t testing.TB, a *API, path, token string, body []byte) (int, []byte) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

type contract struct {
	Score, Embed struct {
		Method, Path       string
		MaxPairs, MaxTexts int
		Request, Response  json.RawMessage
	}
}

func readContract(t *testing.T) (c contract) {
	raw, err := os.ReadFile("../../../ci/contract/evaluator.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// shape is v with every leaf replaced by its JSON type and lists cut to one item.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			out[k] = shape(m)
		}
		return out
	case []any:
		if len(v) == 0 {
			return []any{}
		}
		return []any{shape(v[0])}
	}
	return fmt.Sprintf("%T", v)
}

func sameShape(t *testing.T, want, got []byte) {
	t.Helper()
	var w, g any
	if err := errors.Join(json.Unmarshal(want, &w), json.Unmarshal(got, &g)); err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(shape(w)), fmt.Sprint(shape(g)); a != b {
		t.Errorf("the contract has %s, the answer %s", a, b)
	}
}

func TestAnswersHaveTheContractsShape(t *testing.T) {
	c := readContract(t)
	if c.Score.MaxPairs != MaxItems || c.Embed.MaxTexts != MaxItems {
		t.Errorf("the contract allows %d pairs and %d texts, the API %d", c.Score.MaxPairs, c.Embed.MaxTexts, MaxItems)
	}
	for _, route := range []struct {
		path              string
		request, response []byte
	}{{c.Score.Path, c.Score.Request, c.Score.Response}, {c.Embed.Path, c.Embed.Request, c.Embed.Response}} {
		t.Run(route.path, func(t *testing.T) {
			status, body := post(t, ready(), route.path, "token", route.request)
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			sameShape(t, route.response, body)
		})
	}
}

func TestRefusals(t *testing.T) {
	many := func(name, item string) string {
		return fmt.Sprintf(`{%q:[%s]}`, name, strings.TrimSuffix(strings.Repeat(item+",", 101), ","))
	}
	for _, c := range []struct {
		name, path, token, body string
		status                  int
		detail                  string
	}{
		{"a wrong token", "/v1/score", "other", `{}`, 401, "service token"},
		{"no token", "/v1/embed", "", `{}`, 401, "service token"},
		{"no body", "/v1/score", "token", ``, 400, "empty"},
		{"broken JSON", "/v1/score", "token", `{"pairs":`, 400, "not the JSON"},
		{"a member of another type", "/v1/embed", "token", `{"texts":"one"}`, 400, "texts"},
		{"two values", "/v1/embed", "token", `{"texts":[]} {}`, 400, "after the first"},
		{"no pairs", "/v1/score", "token", `{}`, 422, `no "pairs"`},
		{"no texts", "/v1/embed", "token", `{"texts":null}`, 422, `no "texts"`},
		{"101 pairs", "/v1/score", "token", many("pairs", `{"id":"a"}`), 422, "101 pairs, at most 100"},
		{"101 texts", "/v1/embed", "token", many("texts", `"a"`), 422, "101 texts, at most 100"},
		{"a pair without an id", "/v1/score", "token", `{"pairs":[{"id":"a"},{"expected":"x"}]}`, 422, "pairs[1] has no id"},
		{"an id twice", "/v1/score", "token", `{"pairs":[{"id":"a"},{"id":"a"}]}`, 422, "pairs[0] and pairs[1]"},
		{"more than 32 MiB", "/v1/embed", "token", `{"texts":["` + strings.Repeat("a", 33<<20) + `"]}`, 413, "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := post(t, ready(), c.path, c.token, []byte(c.body))
			var problem struct {
				Status int
				Detail string
			}
			if err := json.Unmarshal(body, &problem); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if status != c.status || problem.Status != c.status || !strings.Contains(problem.Detail, c.detail) {
				t.Errorf("%d %+v, want %d with %q", status, problem, c.status, c.detail)
			}
		})
	}
}

func TestEmptyAndOddRequestsAreAnswered(t *testing.T) {
	for _, c := range []struct{ name, path, body, want string }{
		{"no pair", "/v1/score", `{"pairs":[]}`, `{"model":"all-MiniLM-L6-v2","scores":[]}`},
		{"no text", "/v1/embed", `{"texts":[]}`, `{"model":"all-MiniLM-L6-v2","dimensions":2,"embeddings":[]}`},
		{"bytes that are not UTF-8", "/v1/embed", "{\"texts\":[\"a\xff\"]}", `{"model":"all-MiniLM-L6-v2","dimensions":2,"embeddings":[[0,1]]}`},
		{"ten megabytes", "/v1/embed", `{"texts":["` + strings.Repeat("a", 10<<20) + `"]}`, `{"model":"all-MiniLM-L6-v2","dimensions":2,"embeddings":[[0,1]]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := post(t, ready(), c.path, "token", []byte(c.body))
			if got := strings.TrimSpace(string(body)); status != 200 || got != c.want {
				t.Errorf("%d %.200s, want %s", status, got, c.want)
			}
		})
	}
}

func TestBeforeTheModelIsThereTheAPISaysSo(t *testing.T) {
	a := New("token")
	for _, c := range []struct{ path, body string }{{"/v1/score", `{"pairs":[{"id":"a"}]}`}, {"/v1/embed", `{"texts":["a"]}`}} {
		if status, body := post(t, a, c.path, "token", []byte(c.body)); status != 503 || !bytes.Contains(body, []byte("still being loaded")) {
			t.Errorf("%s: %d %s", c.path, status, body)
		}
	}
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/metrics": 200} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if _, _ = io.Copy(io.Discard, w.Body); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestAFailingModelIsA500(t *testing.T) {
	a := New("token")
	a.SetModel("m", axes{err: errors.ErrUnsupported})
	if status, body := post(t, a, "/v1/embed", "token", []byte(`{"texts":["a"]}`)); status != 500 {
		t.Errorf("%d %s", status, body)
	}
}

func FuzzScoreNeverBreaks(f *testing.F) {
	f.Add([]byte(`{"pairs":[{"id":"a","expected":"{}","actual":"[1]"}]}`))
	f.Add([]byte(`{"pairs":[{"id":1}]}`))
	a := ready()
	f.Fuzz(func(t *testing.T, body []byte) {
		if status, answer := post(t, a, "/v1/score", "token", body); status >= 500 || !json.Valid(answer) {
			t.Errorf("%q: %d %s", body, status, answer)
		}
	})
}
