package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

func TestTheLLMAnswersAndThePairIsKept(t *testing.T) {
	h := open(t)
	r := h.ask(`,"temperature":0.10,"user":"u7","x-new":[1,  2]`)
	h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
	if gjson.Get(r.body, "choices.0.message.content").Str != "the LLM's answer" || r.header.Get("X-Understudy-Model") != "gpt-4o-mini" {
		t.Errorf("%v %s", r.header, r.body)
	}
	sent := h.llm.requests()[0]
	want := `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"` + system + `"},{"role":"user","content":"Where is my parcel 17?"}],"temperature":0.10,"user":"u7","x-new":[1,  2]}`
	if sent != want {
		t.Errorf("the upstream got\n%s, want\n%s", sent, want)
	}
	p := h.pair(r)
	if p.Answer.Text != "the LLM's answer" || p.Answer.FinishReason != "stop" || !p.Complete || !p.Teaches() || p.TokensIn != 11 || p.TokensOut != 7 || !p.Counted ||
		p.User != "u7" || p.Endpoint != "triage" || p.Fingerprint != task() || p.CostUSD != (11*1+7*2)/1e6 || p.Split == "" || p.Prompt == "" || p.Latency <= 0 {
		t.Errorf("%+v", p)
	}
	if want := `{"messages":[{"role":"system","content":"` + system + `"},{"role":"user","content":"Where is my parcel 17?"}],"temperature":0.10,"x-new":[1,2]}`; string(p.Request) != want {
		t.Errorf("kept %s", p.Request)
	}
}

func TestAStreamPassesThroughAndIsAssembled(t *testing.T) {
	for name, c := range map[string]struct {
		more      string
		sentUsage string // what the upstream is asked for
		seen      bool   // the client sees the usage chunk
		counted   bool
	}{
		"usage not asked for": {`,"stream":true`, `{"include_usage":true}`, false, true},
		"usage asked for":     {`,"stream":true,"stream_options":{"include_usage":true}`, `{"include_usage":true}`, true, true},
		"other options kept":  {`,"stream":true,"stream_options":{"include_obfuscation":false}`, `{"include_usage":true,"include_obfuscation":false}`, false, true},
		"usage declined":      {`,"stream":true,"stream_options":{"include_usage":false}`, `{"include_usage":false}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			r := h.ask(c.more)
			h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
			if got := gjson.Get(h.llm.requests()[0], "stream_options").Raw; got != c.sentUsage {
				t.Errorf("the upstream was asked for %s", got)
			}
			if strings.Contains(r.body, `"usage":{`) != c.seen || !strings.HasSuffix(r.body, "data: [DONE]\n\n") || r.header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("%v\n%s", r.header, r.body)
			}
			p := h.pair(r)
			if p.Answer.Text != "the LLM's answer" || !p.Complete || p.Counted != c.counted || p.TokensOut == 0 || p.FirstToken <= 0 {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestAnUpstreamWithoutStreamOptionsIsNotAskedForThem(t *testing.T) {
	h := open(t, func(c *Config) {
		u := c.Upstreams["main"]
		u.NoStreamOptions = true
		c.Upstreams["main"] = u
	})
	p := h.pair(h.ask(`,"stream":true`))
	if strings.Contains(h.llm.requests()[0], "stream_options") || p.Counted || p.TokensOut != 4 {
		t.Errorf("%s %+v", h.llm.requests()[0], p)
	}
}

func TestToolCallsOfAStreamAreKept(t *testing.T) {
	h := open(t)
	h.llm.use(func(w http.ResponseWriter, r *http.Request) {
		send(w, chunk("m", `{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"find","arguments":""}}]}`, "null"),
			chunk("m", `{"tool_calls":[{"index":0,"function":{"arguments":"{\"id\":"}}]}`, "null"),
			chunk("m", `{"tool_calls":[{"index":0,"function":{"arguments":"5}"}}]}`, "null"),
			chunk("m", `{}`, "tool_calls"), "data: [DONE]\n\n")
	})
	p := h.pair(h.ask(`,"stream":true,"tools":[{"type":"function","function":{"name":"find"}}]`))
	if string(p.Answer.ToolCalls) != `[{"id":"c1","type":"function","function":{"name":"find","arguments":"{\"id\":5}"}}]` || p.Answer.FinishReason != "tool_calls" || !p.Complete {
		t.Errorf("%s %+v", p.Answer.ToolCalls, p)
	}
}

func TestHeadersAreThoseTheOtherSideMaySee(t *testing.T) {
	h := open(t)
	h.llm.use(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req-1")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		says("m", "x")(w, r)
	})
	r := h.ask("", "OpenAI-Organization", "org", "X-Understudy-Task", "t1", "Cookie", "a=b", "Accept-Encoding", "br")
	got := h.llm.headers[0]
	if got.Get("Authorization") != "Bearer "+upstreamKey || got.Get("OpenAI-Organization") != "org" || got.Get("Cookie") != "" ||
		got.Get("X-Understudy-Task") != "" || got.Get("Accept-Encoding") != "" {
		t.Errorf("the upstream got %v", got)
	}
	if r.header.Get("X-Request-Id") != "req-1" || r.header.Get("X-Hop") != "" {
		t.Errorf("the client got %v", r.header)
	}
	if p := h.pair(r); p.Fingerprint != (understudy.Chat{}).TaskFingerprint(understudy.FingerprintFull, "t1") {
		t.Errorf("fingerprint %s", p.Fingerprint)
	}
}

func TestAnUpstreamsErrorPassesWithItsRetryHeaders(t *testing.T) {
	h := open(t)
	h.llm.use(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-Should-Retry", "false")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(429)
		w.Write([]byte(`{"error":{"message":"slow down","type":"x","param":null,"code":"rate_limit_exceeded"}}`))
	})
	for _, more := range []string{``, `,"stream":true`} {
		r := h.ask(more)
		if r.status != 429 || r.header.Get("Retry-After") != "7" || r.header.Get("X-Should-Retry") != "false" || !strings.Contains(r.body, "slow down") || r.header.Get("X-Understudy-Pair") != "" {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
	}
}

func TestNothingIsKeptWhereNobodyWantsIt(t *testing.T) {
	for name, ask := range map[string]func(*house) reply{
		"the client says so": func(h *house) reply { return h.ask("", "X-Understudy-Capture", "off") },
		"the endpoint says so": func(h *house) reply {
			h.change(func(s *understudy.Snapshot) {
				r := s.Endpoints["triage"]
				r.Endpoint.Capture = false
				s.Endpoints["triage"] = r
			})
			return h.ask("")
		},
		"the request is beyond the capture limit": func(h *house) reply { return h.ask(`,"x":"` + strings.Repeat("y", 10<<20) + `"`) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			r := ask(h)
			h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
			kept := h.ask("")
			if r.header.Get("X-Understudy-Pair") != "" || kept.header.Get("X-Understudy-Pair") != "" && h.pair(kept).ID == "" || len(h.db.all()) > 1 {
				t.Errorf("%v, %d pairs", r.header, len(h.db.all()))
			}
		})
	}
}
