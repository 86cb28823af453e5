package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

const request = `{"messages":[{"role":"system","content":"` + system + `"},{"role":"user","content":"Where?"}],"max_tokens":9}`

func TestAPersonAsksBothSidesAndNothingIsCaptured(t *testing.T) {
	h := open(t)
	h.stage()
	llm := h.Ask(t.Context(), "triage", understudy.SourceLLM, []byte(request))
	slm := h.Ask(t.Context(), "triage", understudy.SourceSLM, []byte(request))
	if llm.Error != "" || llm.Answer.Text != "the LLM's answer" || llm.TokensOut != 7 || llm.CostUSD != (11+2*7)/1e6 || llm.FirstToken <= 0 || llm.FirstToken > llm.Latency {
		t.Errorf("the LLM: %+v", llm)
	}
	if slm.Error != "" || slm.Answer.Text != "the SLM's answer" || slm.Model != "triage-v1" || slm.CostUSD != 0 || slm.FirstToken <= 0 {
		t.Errorf("the SLM: %+v", slm)
	}
	if sent := h.llm.requests(); len(sent) != 1 || gjson.Get(sent[0], "model").Str != "gpt-4o-mini" || gjson.Get(sent[0], "max_tokens").Int() != 9 {
		t.Errorf("the LLM was sent %q", sent)
	}
	h.pair(h.ask("")) // a client's request is stored, and comes after
	if all := h.db.all(); len(all) != 1 {
		t.Errorf("stored are %d pairs", len(all))
	}
}

func TestASideThatCannotAnswerIsNotReplaced(t *testing.T) {
	h := open(t)
	ask := func(side understudy.Source) understudy.Asked {
		return h.Ask(t.Context(), "triage", side, []byte(request))
	}
	if got := ask(understudy.SourceSLM); !strings.Contains(got.Error, "no model is on stage") {
		t.Errorf("without a model: %+v", got)
	}
	h.stage(func(_ *understudy.Endpoint, t *understudy.Target) { t.Asleep = true })
	if got := ask(understudy.SourceSLM); !strings.Contains(got.Error, "asleep") {
		t.Errorf("asleep: %+v", got)
	}
	h.stage()
	h.slm.use(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusTooManyRequests) })
	if got := ask(understudy.SourceSLM); !strings.Contains(got.Error, "429") || got.Answer.Text != "" {
		t.Errorf("full: %+v", got)
	}
	h.llm.use(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":{"message":"the key is wrong"}}`)
	})
	if got := ask(understudy.SourceLLM); !strings.Contains(got.Error, "401: the key is wrong") {
		t.Errorf("refused: %+v", got)
	}
	h.llm.use(func(w http.ResponseWriter, _ *http.Request) { send(w, chunk("m", `{"content":"hal"}`, "null")) })
	if got := ask(understudy.SourceLLM); !strings.Contains(got.Error, "broke off") || got.Answer.Text != "hal" {
		t.Errorf("broken off: %+v", got)
	}
	if n := len(h.slm.requests()); n != 1 {
		t.Errorf("the SLM was asked %d times", n)
	}
}

func TestAnAnswerThatIsNoStreamIsReadWhole(t *testing.T) {
	h := open(t)
	h.llm.use(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`)
	})
	if got := h.Ask(t.Context(), "triage", understudy.SourceLLM, []byte(request)); got.Answer.Text != "whole" || got.TokensIn != 3 || got.Error != "" {
		t.Errorf("got %+v", got)
	}
}
