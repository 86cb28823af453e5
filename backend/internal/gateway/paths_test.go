package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

func asDefault(c *Config) {
	u := c.Upstreams["main"]
	u.Default = true
	c.Upstreams["main"] = u
}

func TestTheListOfModelsIsTheEndpoints(t *testing.T) {
	h := open(t, asDefault)
	h.change(func(s *understudy.Snapshot) {
		s.Endpoints["alpha"] = understudy.EndpointRoute{Endpoint: understudy.NewEndpoint("alpha", "main", "gpt", 0.8)}
	})
	r := h.send(t.Context(), "GET", "/v1/models", "")
	if r.status != 200 || gjson.Get(r.body, "data.#.id").Raw != `["alpha","triage"]` || gjson.Get(r.body, "data.0.owned_by").Str != "understudy" || gjson.Get(r.body, "object").Str != "list" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r = h.send(t.Context(), "GET", "/v1/models/triage", ""); r.status != 200 || gjson.Get(r.body, "id").Str != "triage" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r = h.send(t.Context(), "GET", "/v1/models/gpt-9", ""); r.status != 404 || gjson.Get(r.body, "error.code").Str != "model_not_found" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if len(h.llm.requests()) != 0 {
		t.Error("the upstream was asked")
	}
}

func TestWhatIsNotUnderstoodPassesUntouched(t *testing.T) {
	h := open(t, asDefault)
	h.llm.use(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Upstream", "yes")
		w.WriteHeader(202)
		io.WriteString(w, r.Method+" "+r.URL.RequestURI())
	})
	unknown := `{ "model": "gpt-9", "messages":[{"role":"user","content":"x"}], "stream":true }`
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/embeddings?x=%2F1", `{"model":"e","input":"not JSON`},
		{"GET", "/v1/files/a%2Fb", ""},
		{"DELETE", "/v1/models/mine", ""},
		{"POST", "/v1/chat/completions", unknown},
	} {
		r := h.send(t.Context(), c.method, c.path, c.body)
		n := len(h.llm.requests()) - 1
		if r.status != 202 || r.body != c.method+" "+c.path || r.header.Get("X-Upstream") != "yes" || h.llm.requests()[n] != c.body ||
			h.llm.headers[n].Get("Authorization") != "Bearer "+upstreamKey || r.header.Get("X-Understudy-Pair") != "" {
			t.Errorf("%s %s: %d %s %v; the upstream got %q %v", c.method, c.path, r.status, r.body, r.header, h.llm.requests()[n], h.llm.headers[n])
		}
	}
}

func TestWithoutADefaultUpstreamTheRestIsNotFound(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/v1/embeddings", "/v1/../admin", "/v1"} {
		if r := h.send(t.Context(), "POST", path, "{}"); r.status != 404 || !strings.Contains(r.body, "understudy_error") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestAKeyMayNameAnEndpointForEverything(t *testing.T) {
	h := open(t)
	h.change(func(s *understudy.Snapshot) {
		s.Keys[hash("uk-app")] = understudy.KeyRoute{ID: "k2", DefaultEndpoint: "triage"}
	})
	const key = "Bearer uk-app"
	for _, model := range []string{`"model":"gpt-4o",`, ``} {
		r := h.post(`{`+model+`"messages":[{"role":"user","content":"x"}]}`, "Authorization", key)
		h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
		if p := h.pair(r); p.Endpoint != "triage" || gjson.Get(h.llm.requests()[len(h.llm.requests())-1], "model").Str != "gpt-4o-mini" {
			t.Errorf("%+v, sent %s", p, h.llm.requests())
		}
	}
	if r := h.send(t.Context(), "POST", "/v1/embeddings", "{}", "Authorization", key); r.status != 200 || h.llm.paths[len(h.llm.paths)-1] != "/v1/embeddings" {
		t.Errorf("%d %s %v", r.status, r.body, h.llm.paths)
	}
}

func TestAKeyOfADeletedEndpointReachesNoOtherUpstream(t *testing.T) {
	h := open(t, func(c *Config) {
		for name, u := range c.Upstreams {
			u.Default = true
			c.Upstreams[name] = u
		}
	})
	h.change(func(s *understudy.Snapshot) {
		s.Keys[hash("uk-app")] = understudy.KeyRoute{ID: "k2", DefaultEndpoint: "gone"}
	})
	asked := len(h.llm.requests())
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}`,
		"/v1/embeddings":       `{"model":"e","input":"x"}`,
	} {
		if r := h.send(t.Context(), "POST", path, body, "Authorization", "Bearer uk-app"); r.status != 404 || !strings.Contains(r.body, "was deleted") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		if r := h.send(t.Context(), "POST", path, body); r.status != 200 {
			t.Errorf("%s with a key of its own: %d %s", path, r.status, r.body)
		}
	}
	if n := len(h.llm.requests()) - asked; n != 2 {
		t.Errorf("the LLM was asked %d times, want twice", n)
	}
}

func TestConfigurationThatCannotWorkIsRefused(t *testing.T) {
	base := Config{DataDir: t.TempDir(), Source: newMemory(), Pairs: newMemory()}
	for name, c := range map[string]struct {
		upstream understudy.Upstream
		says     string
	}{
		"kind anthropic":   {understudy.Upstream{Kind: "anthropic", BaseURL: "https://x"}, "not supported yet"},
		"an unknown kind":  {understudy.Upstream{Kind: "smoke", BaseURL: "https://x"}, "not known"},
		"a relative URL":   {understudy.Upstream{Kind: "openai", BaseURL: "/v1"}, "absolute"},
		"a URL of no kind": {understudy.Upstream{Kind: "openai", BaseURL: "ftp://x"}, "absolute"},
	} {
		cfg := base
		cfg.Upstreams = map[string]understudy.Upstream{"main": c.upstream}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
