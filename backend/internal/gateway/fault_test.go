package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

func TestABadRequestGetsAMessageThatSaysWhatToDo(t *testing.T) {
	messages := `"messages":[{"role":"user","content":"x"}]`
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		says    string
	}{
		"malformed JSON":         {`{"model":"triage",`, nil, 400, "invalid_body", "not valid JSON"},
		"an empty body":          {``, nil, 400, "invalid_body", "empty"},
		"no object":              {`[]`, nil, 400, "invalid_body", "not a JSON object"},
		"not UTF-8":              {`{"model":"triage","x":"` + "\xff\xfe" + `",` + messages + `}`, nil, 400, "invalid_body", "UTF-8"},
		"no messages":            {`{"model":"triage"}`, nil, 400, "invalid_messages", "at least one message"},
		"empty messages":         {`{"model":"triage","messages":[]}`, nil, 400, "invalid_messages", "at least one message"},
		"messages of no list":    {`{"model":"triage","messages":"hello"}`, nil, 400, "invalid_messages", "array"},
		"an unknown model":       {`{"model":"gpt-9",` + messages + `}`, nil, 404, "model_not_found", "Endpoints: triage"},
		"no model":               {`{` + messages + `}`, nil, 404, "model_not_found", "Endpoints: triage"},
		"a bad key":              {`{}`, []string{"Authorization", "Bearer wrong"}, 401, "invalid_api_key", "missing or wrong"},
		"no key":                 {`{}`, []string{"Authorization", ""}, 401, "invalid_api_key", "missing or wrong"},
		"a compressed body":      {`{}`, []string{"Content-Encoding", "gzip"}, 415, "unsupported_encoding", "uncompressed"},
		"more than the limit":    {`{"x":"` + strings.Repeat("y", 33<<20) + `"}`, nil, 413, "request_too_large", "send less"},
		"nesting without an end": {strings.Repeat(`{"a":`, 1<<20), nil, 400, "invalid_body", "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			r := h.post(c.body, c.headers...)
			e := gjson.Get(r.body, "error")
			if r.status != c.status || e.Get("code").Str != c.code || e.Get("type").Str != "understudy_error" || !strings.Contains(e.Get("message").Str, c.says) || !e.Get("param").Exists() {
				t.Errorf("%d (%v) %s", r.status, r.err, r.body)
			}
			if len(h.llm.requests()) != 0 {
				t.Error("the upstream was asked")
			}
		})
	}
}

func TestABodyOf10MBPassesAsItIs(t *testing.T) {
	h := open(t)
	big := strings.Repeat("<é>", 10<<20/4)
	r := h.post(`{"messages":[{"role":"user","content":"` + big + `"}],"model":"triage"}`)
	h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
	if want := `{"messages":[{"role":"user","content":"` + big + `"}],"model":"gpt-4o-mini"}`; h.llm.requests()[0] != want {
		t.Errorf("%d bytes arrived", len(h.llm.requests()[0]))
	}
	if r.header.Get("X-Understudy-Pair") != "" {
		t.Error("a pair is promised that is too large to keep")
	}
}

func TestAnUpstreamThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		llm            func(t *testing.T) http.HandlerFunc
		more           string
		status         int
		says           string
		pair, complete bool
	}{
		"is down": {nil, ``, 502, "upstream_unreachable", false, false},
		"is slow": {func(t *testing.T) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) { hang(r, t.Context().Done()) }
		}, ``, 504, "upstream_timeout", false, false},
		"answers garbage": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>oops") }
		}, ``, 200, "<html>oops", true, false},
		"streams garbage": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				send(w, "data: <html>\n\n", "what is this\n\n", "data: [DONE]\n\n")
			}
		}, `,"stream":true`, 200, "data: <html>\n\nwhat is this\n\ndata: [DONE]\n\n", true, false},
		"breaks off": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				io.WriteString(w, `{"id":`)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
		}, ``, 502, "upstream_broke_off", false, false},
		"breaks off mid-stream": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				send(w, chunk("m", `{"content":"half "}`, "null"), `data: {"id":"cut`)
				panic(http.ErrAbortHandler)
			}
		}, `,"stream":true`, 200, "upstream_broke_off", true, false},
		"ends a stream too early": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { send(w, chunk("m", `{"content":"half "}`, "null")) }
		}, `,"stream":true`, 200, "upstream_broke_off", true, false},
		"ends within a line": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				send(w, chunk("m", `{"content":"half "}`, "null"), `data: {"id":"cut`)
			}
		}, `,"stream":true`, 200, "cut\n\ndata: {\"error\"", true, false},
		"tells an error mid-stream": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				send(w, chunk("m", `{"content":"half "}`, "null"), `data: {"error":{"message":"overloaded"}}`+"\n\n")
			}
		}, `,"stream":true`, 200, "overloaded", true, false},
		"answers a stream's request whole": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				r.Body = io.NopCloser(strings.NewReader("{}"))
				says("m", "the LLM's answer")(w, r)
			}
		}, `,"stream":true`, 200, "the LLM's answer", true, true},
		"answers without saying it is finished": {func(*testing.T) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { send(w, chunk("m", `{"content":"all"}`, "stop")) }
		}, `,"stream":true`, 200, "all", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(cfg *Config) {
				if c.status == 504 {
					cfg.UpstreamTimeout = 300 * time.Millisecond
				}
			})
			if c.llm == nil {
				h.llm.Close()
			} else {
				h.llm.use(c.llm(t))
			}
			r := h.ask(c.more)
			if r.err != nil || r.status != c.status || !strings.Contains(r.body, c.says) {
				t.Errorf("%d (%v) %s", r.status, r.err, r.body)
			}
			if strings.Contains(r.body, "upstream_broke_off") && strings.Contains(r.body, "[DONE]") || strings.Contains(r.body, "127.0.0.1") {
				t.Errorf("%s", r.body)
			}
			if (r.header.Get("X-Understudy-Pair") != "") != c.pair {
				t.Fatalf("%v", r.header)
			}
			if c.pair {
				if p := h.pair(r); p.Complete != c.complete {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestAnIdleConnectionThatTheUpstreamClosesCostsNoRequest has it closed at the
// worst moment: when the next request is on its way.
func TestAnIdleConnectionThatTheUpstreamClosesCostsNoRequest(t *testing.T) {
	for name, body := range map[string]string{
		"an endpoint's request": `{"model":"triage","messages":[{"role":"user","content":"x"}]}`,
		"one that only passes":  `{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, asDefault)
			var arrived atomic.Int64
			h.llm.use(func(w http.ResponseWriter, r *http.Request) {
				if arrived.Add(1) == 2 {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					conn.Close()
					return
				}
				says("m", "the LLM's answer")(w, r)
			})
			for range 2 {
				if r := h.post(body); r.status != 200 || !strings.Contains(r.body, "the LLM's answer") {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
			if n := len(h.llm.requests()); n != 3 || h.llm.headers[2]["Idempotency-Key"] != nil {
				t.Errorf("%d requests arrived, the last with %v", n, h.llm.headers[2])
			}
		})
	}
}

func TestAClientThatLeavesMidStreamEndsTheWork(t *testing.T) {
	for name, slm := range map[string]bool{"the LLM": false, "the SLM": true} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			ended := make(chan struct{})
			endless := func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				for r.Context().Err() == nil {
					send(w, chunk("m", `{"content":"word "}`, "null"))
					select {
					case <-time.After(time.Millisecond):
					case <-r.Context().Done():
					}
				}
			}
			if slm {
				h.stage()
				h.slm.use(endless)
			} else {
				h.llm.use(endless)
			}
			ctx, leave := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, "POST", h.url+"/v1/chat/completions", strings.NewReader(
				`{"model":"triage","stream":true,"messages":[{"role":"system","content":"`+system+`"},{"role":"user","content":"x"}]}`))
			req.Header.Set("Authorization", "Bearer "+clientKey)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			leave()
			res.Body.Close()
			<-ended
			p := h.pair(reply{header: res.Header})
			if p.Complete || p.Answer.Text == "" || (p.Source == understudy.SourceSLM) != slm {
				t.Errorf("%+v", p)
			}
			if slm { // it says nothing about the SLM
				h.slm.use(says("m", "well"))
				h.want(h.ask(""), understudy.SourceSLM, understudy.ReasonNormal)
			}
		})
	}
}

func TestABodyThatEndsTooEarly(t *testing.T) {
	h := open(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+clientKey+"\r\nContent-Length: 100\r\n\r\n{\"model\"")
	conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 400 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestAnAnswerBeyondTheCaptureLimitPassesWhole(t *testing.T) {
	h := open(t, func(c *Config) { c.MaxCapture = 4096 })
	text := strings.Repeat("long ", 10_000)
	h.llm.use(says("m", text))
	for _, more := range []string{``, `,"stream":true`} {
		r := h.ask(more)
		h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
		if more == "" && gjson.Get(r.body, "choices.0.message.content").Str != text || more != "" && strings.Count(r.body, "\n\n") != 12_503 {
			t.Errorf("%d bytes, %d events", len(r.body), strings.Count(r.body, "\n\n"))
		}
		if p := h.pair(r); p.Complete || len(p.Answer.Text) > 4200 {
			t.Errorf("complete %v, %d bytes", p.Complete, len(p.Answer.Text))
		}
	}
}
