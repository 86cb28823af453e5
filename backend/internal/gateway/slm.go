package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
	"understudy.dev/backend/internal/gateway/completion"
)

// forSLM are the fields that llama.cpp understands as OpenAI means them. Its own
// extensions (adapters, slots, grammars, further limits) are not a client's to
// set.
var forSLM = map[string]bool{
	"messages": true, "tools": true, "tool_choice": true, "parallel_tool_calls": true, "functions": true, "function_call": true, "response_format": true,
	"temperature": true, "top_p": true, "seed": true, "stop": true, "presence_penalty": true, "frequency_penalty": true, "max_tokens": true,
}

// slmBody is the request for the SLM: its alias as model, a stream with usage,
// and the client's limit under the name that every llama.cpp knows. Where the
// client names no temperature it answers as it did in the exam, without chance:
// llama.cpp's own default would have it draw lots.
func (x *exchange) slmBody() []byte {
	edits := []body.Edit{
		{Name: "model", Value: body.Quote(x.target.Alias)},
		{Name: "stream", Value: []byte("true")},
		{Name: "stream_options", Value: []byte(`{"include_usage":true}`)},
	}
	if n := maxTokens(x.body); n > 0 {
		edits = append(edits, body.Edit{Name: "max_tokens", Value: []byte(strconv.Itoa(n))})
	}
	if t := x.body.Get("temperature"); len(t) == 0 || string(t) == "null" {
		edits = append(edits, body.Edit{Name: "temperature", Value: []byte("0")})
	}
	return x.body.Rebuild(func(name string) bool { return forSLM[name] }, edits...)
}

var (
	errClient     = errors.New("the client does not take the answer")
	errUntrusted  = errors.New("the answer cannot be trusted")
	errNotStarted = errors.New("the stream ended without content")
)

// answerBySLM lets the SLM answer. It returns false where nothing was sent and
// the LLM has to answer instead.
func (x *exchange) answerBySLM(d decision) bool {
	act := x.g.activity.of(x.endpoint.Name)
	act.inFlight.Add(1)
	defer act.inFlight.Add(-1)
	s := &slmAnswer{x: x, reason: d.reason, buffer: !x.stream || x.wantsJSON()}
	var a *completion.Assembler
	var err error
	for _, pod := range d.pods {
		a, err = x.g.ask(x.r.Context(), pod, call{
			payload: x.slmBody(), first: x.endpoint.SLMFirstTokenTimeout, total: x.endpoint.SLMTotalTimeout,
			live: !s.buffer, event: s.event,
		})
		if p := new(podError); s.sent || !errors.As(err, &p) || !p.next {
			break
		}
	}
	if err == nil {
		err = s.finish(a)
	}
	o := outcome{source: understudy.SourceSLM, reason: d.reason, id: x.id, chunks: a, firstToken: s.firstToken, latency: time.Since(x.start)}
	switch {
	case err == nil:
		d.report(nil)
		act.served.Store(time.Now().UnixNano())
		o.complete = true
	case errors.Is(err, errClient) || x.gone():
		d.report(errUncounted)
		if !s.sent {
			x.count(o.source, d.reason, statusClientGone, o.latency)
			return true
		}
	case s.sent:
		d.report(err)
		s.breakOff(err)
	default:
		d.report(err)
		x.g.meter.fallbacks.WithLabelValues(x.endpoint.Name, causeOf(err)).Inc()
		x.g.log.Debug("gateway: the LLM answers instead", "endpoint", x.endpoint.Name, "model", x.target.Alias, "error", err)
		return false
	}
	x.count(o.source, d.reason, http.StatusOK, o.latency)
	x.record(o)
	return true
}

func causeOf(err error) string {
	if p := new(podError); errors.As(err, &p) {
		return p.cause
	}
	return "untrusted"
}
