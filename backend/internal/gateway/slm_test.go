package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

func TestTheSLMAnswersWhatItWasTrainedOn(t *testing.T) {
	h := open(t)
	h.stage()
	t.Run("whole", func(t *testing.T) {
		r := h.ask(`,"max_completion_tokens":50,"user":"u","temperature":0,"grammar":"root ::= \"x\"","n_predict":9,"top_p":0.9`)
		h.want(r, understudy.SourceSLM, understudy.ReasonNormal)
		v := gjson.Parse(r.body)
		if v.Get("object").Str != "chat.completion" || v.Get("choices.0.message.content").Str != "the SLM's answer" || v.Get("choices.0.finish_reason").Str != "stop" ||
			v.Get("usage.total_tokens").Int() != 18 || v.Get("model").Str != "triage-v1" || r.header.Get("X-Understudy-Model") != "triage-v1" {
			t.Errorf("%v %s", r.header, r.body)
		}
		p := h.pair(r)
		if p.Source != understudy.SourceSLM || p.ModelID != "m1" || p.Answer.Text != "the SLM's answer" || !p.Complete || p.Teaches() || !p.Counted || p.FirstToken <= 0 || p.CostUSD <= 0 {
			t.Errorf("%+v", p)
		}
		sent := gjson.Parse(h.slm.requests()[0])
		if sent.Get("model").Str != "triage-v1" || !sent.Get("stream").Bool() || sent.Get("max_tokens").Int() != 50 || sent.Get("max_completion_tokens").Exists() ||
			sent.Get("user").Exists() || sent.Get("grammar").Exists() || sent.Get("n_predict").Exists() || sent.Get("top_p").Num != 0.9 || sent.Get("temperature").Raw != "0" || sent.Get("messages.#").Int() != 2 || h.slm.headers[0].Get("Authorization") != "" {
			t.Errorf("the SLM got %s", sent)
		}
	})
	t.Run("without chance where no temperature is named, as in the exam", func(t *testing.T) {
		for named, want := range map[string]string{"": "0", `,"temperature":null`: "0", `,"temperature":0.7`: "0.7"} {
			h.want(h.ask(named), understudy.SourceSLM, understudy.ReasonNormal)
			sent := h.slm.requests()
			if got := gjson.Get(sent[len(sent)-1], "temperature").Raw; got != want {
				t.Errorf("%q: the SLM got the temperature %s, want %s", named, got, want)
			}
		}
	})
	for _, usage := range []bool{false, true} {
		t.Run(fmt.Sprintf("streamed, usage asked for %v", usage), func(t *testing.T) {
			r := h.ask(fmt.Sprintf(`,"stream":true,"stream_options":{"include_usage":%v}`, usage))
			h.want(r, understudy.SourceSLM, understudy.ReasonNormal)
			if strings.Contains(r.body, `"usage":{`) != usage || !strings.HasSuffix(r.body, "data: [DONE]\n\n") || !strings.HasPrefix(r.body, `data: {"id":"chatcmpl-1"`) {
				t.Errorf("%s", r.body)
			}
			if p := h.pair(r); p.Answer.Text != "the SLM's answer" || !p.Complete || !p.Counted {
				t.Errorf("%+v", p)
			}
		})
	}
	if n := len(h.llm.requests()); n != 0 {
		t.Errorf("the LLM was asked %d times", n)
	}
}

func TestWhatTheSLMCannotServeGoesToTheLLM(t *testing.T) {
	ask := func(more string, headers ...string) func(*house) reply {
		return func(h *house) reply { return h.ask(more, headers...) }
	}
	const user = `{"role":"user","content":"x"}`
	post := func(messages string) func(*house) reply {
		return func(h *house) reply { return h.post(`{"model":"triage","messages":[` + messages + `]}`) }
	}
	sys := `{"role":"system","content":"` + system + `"},`
	for name, c := range map[string]struct {
		stage func(*understudy.Endpoint, *understudy.Target)
		ask   func(*house) reply
	}{
		"a changed system prompt":          {nil, post(`{"role":"system","content":"Summarise the message."},` + user)},
		"another task by header":           {nil, ask("", "X-Understudy-Task", "other")},
		"two choices":                      {nil, ask(`,"n":2`)},
		"log probabilities":                {nil, ask(`,"logprobs":true`)},
		"a bias of token ids":              {nil, ask(`,"logit_bias":{"50256":-100}`)},
		"sound":                            {nil, ask(`,"modalities":["text","audio"],"audio":{"voice":"x"}`)},
		"an image":                         {nil, post(sys + `{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:x"}}]}`)},
		"tools it was not trained with":    {nil, ask(`,"tools":[{"type":"function","function":{"name":"f"}}]`)},
		"a prompt beyond its context":      {nil, post(sys + `{"role":"user","content":"` + strings.Repeat("word ", 2000) + `"}`)},
		"an answer beyond its context":     {nil, ask(`,"max_tokens":2040`)},
		"messages of an unknown form":      {nil, post(sys + `"hello"`)},
		"asleep":                           {func(_ *understudy.Endpoint, t *understudy.Target) { t.Asleep = true }, ask("")},
		"the endpoint is bypassed":         {func(e *understudy.Endpoint, _ *understudy.Target) { e.Bypass = true }, ask("")},
		"outside of the SLM's share":       {func(e *understudy.Endpoint, _ *understudy.Target) { e.SLMShare = 0.4 }, ask("")},
		"forced, but asleep":               {func(_ *understudy.Endpoint, t *understudy.Target) { t.Asleep = true }, ask("", "X-Understudy-Route", "slm")},
		"forced, but beyond what it knows": {nil, ask(`,"n":3`, "X-Understudy-Route", "slm")},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			if c.stage != nil {
				h.stage(c.stage)
			} else {
				h.stage()
			}
			r := c.ask(h)
			h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
			if p := h.pair(r); p.Reason != understudy.ReasonNormal || !p.Teaches() {
				t.Errorf("%+v", p)
			}
			if n := len(h.slm.requests()); n != 0 {
				t.Errorf("the SLM was asked %d times", n)
			}
		})
	}
}

func TestWhatIsNoHindranceStaysWithTheSLM(t *testing.T) {
	for name, more := range map[string]string{
		"one choice": `,"n":1`, "no tools": `,"tools":[]`, "null": `,"n":null,"audio":null,"logit_bias":null,"tools":null`,
		"text only": `,"modalities":["text"]`, "no probabilities": `,"logprobs":false`, "an empty bias": `,"logit_bias":{}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			// what is asked for in tools and response_format belongs to the task
			h.stage(func(_ *understudy.Endpoint, tg *understudy.Target) {
				c := understudy.Chat{Messages: []understudy.Message{{Role: "system", Content: []byte(`"` + system + `"`)}}, Tools: []byte("[]")}
				tg.Fingerprints[c.TaskFingerprint(understudy.FingerprintFull, "")] = true
			})
			h.want(h.ask(more), understudy.SourceSLM, understudy.ReasonNormal)
		})
	}
}

// byTools is the fingerprint of ask's requests without their system prompt.
func byTools() string { return (understudy.Chat{}).TaskFingerprint(understudy.FingerprintTools, "") }

func TestAModelServesWhatItWasTrainedOnHoweverTasksAreToldApartNow(t *testing.T) {
	const other = `{"model":"triage","messages":[{"role":"system","content":"Label the message for Ann."},{"role":"user","content":"Where?"}]}`
	for _, c := range []struct {
		name          string
		endpoint      bool // its prompts vary
		target        understudy.FingerprintMode
		knows, stores string
		own, others   understudy.Source // who answers the known prompt, and another
	}{
		{"trained by prompt, told apart by prompt", false, understudy.FingerprintFull, task(), task(), understudy.SourceSLM, understudy.SourceLLM},
		{"trained by prompt, told apart by tools", true, understudy.FingerprintFull, task(), byTools(), understudy.SourceSLM, understudy.SourceLLM},
		{"trained by tools, told apart by tools", true, understudy.FingerprintTools, byTools(), byTools(), understudy.SourceSLM, understudy.SourceSLM},
		{"trained by tools, told apart by prompt", false, understudy.FingerprintTools, byTools(), task(), understudy.SourceSLM, understudy.SourceSLM},
		{"of a snapshot that knows no mode", true, "", task(), byTools(), understudy.SourceSLM, understudy.SourceLLM},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			h.stage(func(e *understudy.Endpoint, tg *understudy.Target) {
				e.PromptVaries = c.endpoint
				tg.TaskMode, tg.Fingerprints = c.target, map[string]bool{c.knows: true}
			})
			r := h.ask("")
			h.want(r, c.own, understudy.ReasonNormal)
			if p := h.pair(r); p.Fingerprint != c.stores {
				t.Errorf("stored as %s, want %s", p.Fingerprint, c.stores)
			}
			h.want(h.post(other), c.others, understudy.ReasonNormal)
		})
	}
}

func TestTheClientMayForceARoute(t *testing.T) {
	h := open(t)
	h.stage(func(e *understudy.Endpoint, tg *understudy.Target) { tg.Fingerprints = nil; e.SLMShare = 0 })
	r := h.ask("", "X-Understudy-Route", "slm")
	h.want(r, understudy.SourceSLM, understudy.ReasonForced)
	r = h.ask("", "X-Understudy-Route", "llm")
	h.want(r, understudy.SourceLLM, understudy.ReasonForced)
	if h.pair(r).Teaches() {
		t.Error("what a client has chosen teaches nothing")
	}
	if r = h.ask("", "X-Understudy-Route", "best"); r.status != 400 || !strings.Contains(r.body, "auto, llm or slm") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestASampleGoesToTheLLMAndTheSLMAnswersItApart(t *testing.T) {
	h := open(t)
	h.stage(func(e *understudy.Endpoint, _ *understudy.Target) { e.TeacherShare = 0.05 })
	h.random.Store(func() float64 { return 0.04 })
	r := h.ask("")
	h.want(r, understudy.SourceLLM, understudy.ReasonSample)
	teacher := h.pair(r)
	if !teacher.Teaches() {
		t.Errorf("%+v", teacher)
	}
	var shadow understudy.Pair
	h.db.await(t, "the SLM's answer is stored", func() bool {
		for _, p := range h.db.all() {
			if p.Reason == understudy.ReasonShadow {
				shadow = p
			}
		}
		return shadow.ID != ""
	})
	if shadow.TeacherPair != teacher.ID || shadow.Source != understudy.SourceSLM || shadow.Answer.Text != "the SLM's answer" || shadow.Teaches() ||
		shadow.Prompt != teacher.Prompt || string(shadow.Request) != string(teacher.Request) {
		t.Errorf("%+v", shadow)
	}
	h.random.Store(func() float64 { return 0.06 })
	h.want(h.ask(""), understudy.SourceSLM, understudy.ReasonNormal)
}

// failures are the ways of an SLM to fail before its first content.
func failures(t *testing.T) map[string]http.HandlerFunc {
	gone := t.Context().Done()
	return map[string]http.HandlerFunc{
		"hangs before it answers": func(_ http.ResponseWriter, r *http.Request) { hang(r, gone) },
		"hangs after its role": func(w http.ResponseWriter, r *http.Request) {
			send(w, ": ping\n\n", chunk("m", `{"role":"assistant","content":null}`, "null"))
			hang(r, gone)
		},
		"an error event inside a 200": func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"role":"assistant"}`, "null"), `data: {"error":{"code":500,"message":"out of memory","type":"server_error"}}`+"\n\n", "data: [DONE]\n\n")
		},
		"llama.cpp's old error event": func(w http.ResponseWriter, r *http.Request) { send(w, `error: {"code":500}`+"\n\n") },
		"the end without a word":      func(w http.ResponseWriter, r *http.Request) { send(w) },
		"a cut connection":            func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"a cut after its role": func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"role":"assistant"}`, "null"))
			panic(http.ErrAbortHandler)
		},
		"500":                  func(w http.ResponseWriter, r *http.Request) { http.Error(w, "x", 500) },
		"503 while it loads":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "loading", 503) },
		"429 when it is full":  func(w http.ResponseWriter, r *http.Request) { http.Error(w, "full", 429) },
		"400 for this request": func(w http.ResponseWriter, r *http.Request) { http.Error(w, "exceed_context_size_error", 400) },
		"a web page": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>")
		},
		"garbage in a stream": func(w http.ResponseWriter, r *http.Request) { send(w, "data: <html>\n\n") },
	}
}

func hang(r *http.Request, testEnd <-chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-testEnd:
	}
}

func TestWhereTheSLMFailsTheLLMAnswers(t *testing.T) {
	for name, fails := range failures(t) {
		for _, more := range []string{``, `,"stream":true`} {
			t.Run(name+more, func(t *testing.T) {
				t.Parallel()
				h := open(t)
				h.stage(func(e *understudy.Endpoint, _ *understudy.Target) { e.SLMFirstTokenTimeout = 100 * time.Millisecond })
				h.slm.use(fails)
				r := h.ask(more)
				h.want(r, understudy.SourceLLM, understudy.ReasonFallback)
				if strings.Contains(r.body, "error") || more != "" && !strings.HasSuffix(r.body, "data: [DONE]\n\n") {
					t.Errorf("%s", r.body)
				}
				if p := h.pair(r); p.Teaches() || !p.Complete || p.Answer.Text != "the LLM's answer" {
					t.Errorf("%+v", p)
				}
			})
		}
	}
}

func TestAWholeAnswerIsLookedAtFirst(t *testing.T) {
	events := func(text, finish string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"content":`+text+`}`, "null"), chunk("m", `{}`, finish), "data: [DONE]\n\n")
		}
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		send(w, chunk("m", `{"content":"half an"}`, "null"))
		panic(http.ErrAbortHandler)
	}
	isJSON := func(_ *understudy.Endpoint, tg *understudy.Target) { tg.JSONTasks[task()] = true }
	anything := func(*understudy.Endpoint, *understudy.Target) {}
	for name, c := range map[string]struct {
		stage func(*understudy.Endpoint, *understudy.Target)
		slm   http.HandlerFunc
		more  string
		want  understudy.Source
	}{
		"JSON where JSON is usual":                 {isJSON, events(`"{\"a\":1}\n"`, "stop"), ``, understudy.SourceSLM},
		"JSON where JSON is usual, streamed":       {isJSON, events(`"{\"a\":1}"`, "stop"), `,"stream":true`, understudy.SourceSLM},
		"prose where JSON is usual":                {isJSON, events(`"Sure: {}"`, "stop"), ``, understudy.SourceLLM},
		"prose where JSON is usual, streamed":      {isJSON, events(`"Sure: {}"`, "stop"), `,"stream":true`, understudy.SourceLLM},
		"prose":                                    {anything, events(`"Sure: {}"`, "stop"), ``, understudy.SourceSLM},
		"cut off by the context":                   {anything, events(`"so long"`, "length"), ``, understudy.SourceLLM},
		"cut off by the client's limit":            {anything, events(`"so long"`, "length"), `,"max_tokens":2`, understudy.SourceSLM},
		"broken in the middle":                     {anything, cut, ``, understudy.SourceLLM},
		"broken in the middle, JSON, streamed":     {isJSON, cut, `,"stream":true`, understudy.SourceLLM},
		"a stream that has no end marker is whole": {anything, func(w http.ResponseWriter, r *http.Request) { send(w, chunk("m", `{"content":"a"}`, "stop")) }, `,"stream":true`, understudy.SourceSLM},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.stage(c.stage)
			h.slm.use(c.slm)
			r := h.ask(c.more)
			reason := understudy.ReasonNormal
			if c.want == understudy.SourceLLM {
				reason = understudy.ReasonFallback
			}
			h.want(r, c.want, reason)
			if strings.Contains(c.more, "stream") && !strings.HasSuffix(r.body, "data: [DONE]\n\n") {
				t.Errorf("%s", r.body)
			}
			h.pair(r)
		})
	}
}

func TestARequestForJSONIsHeldToIt(t *testing.T) {
	h := open(t)
	h.stage(func(_ *understudy.Endpoint, tg *understudy.Target) {
		c := understudy.Chat{Messages: []understudy.Message{{Role: "system", Content: []byte(`"` + system + `"`)}}, ResponseFormat: []byte(`{"type":"json_object"}`)}
		tg.Fingerprints[c.TaskFingerprint(understudy.FingerprintFull, "")] = true
	})
	h.want(h.ask(`,"response_format":{"type":"json_object"}`), understudy.SourceLLM, understudy.ReasonFallback)
	h.slm.use(says("triage-v1", `{"a":1}`))
	h.want(h.ask(`,"response_format":{"type":"json_object"}`), understudy.SourceSLM, understudy.ReasonNormal)
}

func TestAStreamThatBreaksAfterItsFirstContentSaysSo(t *testing.T) {
	silence := 3 * time.Second // as long as a busy machine may take for the first content
	for name, slm := range map[string]http.HandlerFunc{
		"a cut connection": func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"content":"half "}`, "null"))
			panic(http.ErrAbortHandler)
		},
		"an error event": func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"content":"half "}`, "null"), `data: {"error":{"message":"gone"}}`+"\n\n", "data: [DONE]\n\n")
		},
		"silence": func(w http.ResponseWriter, r *http.Request) {
			send(w, chunk("m", `{"content":"half "}`, "null"))
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.stage(func(e *understudy.Endpoint, _ *understudy.Target) {
				if name == "silence" {
					e.SLMTotalTimeout = silence
				}
			})
			h.slm.use(slm)
			r := h.ask(`,"stream":true`)
			h.want(r, understudy.SourceSLM, understudy.ReasonNormal)
			events := strings.Split(strings.TrimSpace(r.body), "\n\n")
			last := strings.TrimPrefix(events[len(events)-1], "data: ")
			if !strings.Contains(r.body, "half ") || strings.Contains(r.body, "[DONE]") || gjson.Get(last, "error.type").Str != "understudy_error" {
				t.Errorf("%s", r.body)
			}
			if p := h.pair(r); p.Complete || p.Answer.Text != "half " {
				t.Errorf("%+v", p)
			}
		})
	}
}
