package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

// notForSLM are fields that mean nothing to llama.cpp or that it must not take
// from a client (its own extensions: adapters, slots, raw grammars).
var notForSLM = map[string]bool{
	"user": true, "safety_identifier": true, "metadata": true, "store": true, "service_tier": true, "prediction": true,
	"prompt_cache_key": true, "prompt_cache_options": true, "prompt_cache_retention": true, "moderation": true,
	"reasoning_effort": true, "verbosity": true, "modalities": true, "logit_bias": true, "logprobs": true, "top_logprobs": true,
	"max_completion_tokens": true, "stream_options": true, "n": true,
	"lora": true, "id_slot": true, "cache_prompt": true, "n_probs": true, "return_progress": true, "timings_per_token": true,
}

// slmBody is the request for the SLM: its alias as model, a stream with usage,
// and the client's limit under the name that every llama.cpp knows.
func (x *exchange) slmBody() []byte {
	edits := []body.Edit{
		{Name: "model", Value: body.Quote(x.target.Alias)},
		{Name: "stream", Value: []byte("true")},
		{Name: "stream_options", Value: []byte(`{"include_usage":true}`)},
	}
	if n := maxTokens(x.body); n > 0 {
		edits = append(edits, body.Edit{Name: "max_tokens", Value: []byte(strconv.Itoa(n))})
	}
	return x.body.Rebuild(func(name string) bool { return !notForSLM[name] }, edits...)
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
		x.g.meter.fallbacks.WithLabelValues(causeOf(err)).Inc()
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

// slmAnswer sends an SLM's events to the client: live once there is content,
// or all at the end where the answer must be looked at first.
type slmAnswer struct {
	x          *exchange
	reason     understudy.Reason
	buffer     bool
	held       []byte
	sent       bool
	firstToken time.Duration
}

func (s *slmAnswer) event(e sse.Event, a *completion.Assembler, usageOnly bool) error {
	if s.firstToken == 0 && a.Started() {
		s.firstToken = time.Since(s.x.start)
	}
	if usageOnly && !s.x.usageAsked || e.Data == nil && !s.sent {
		return nil
	}
	if s.buffer && !s.x.stream {
		return nil // the assembler holds it
	}
	if s.buffer || !a.Started() {
		s.held = append(s.held, e.Raw...)
		return nil
	}
	if !s.sent {
		s.begin()
	}
	if _, err := s.x.w.Write(e.Raw); err != nil {
		return errClient
	}
	s.x.flush()
	return nil
}

// begin sends the headers and what was held.
func (s *slmAnswer) begin() {
	s.sent = true
	s.x.label(understudy.SourceSLM, s.x.target.Alias, s.reason, s.x.id)
	s.x.startStream()
	_, _ = s.x.w.Write(s.held)
	s.x.g.meter.firstToken.WithLabelValues(string(understudy.SourceSLM)).Observe(s.firstToken.Seconds())
}

// finish sends what was buffered, if it can be trusted, and ends a stream.
func (s *slmAnswer) finish(a *completion.Assembler) error {
	if !s.buffer {
		if !s.sent {
			return errNotStarted
		}
		if !a.Done {
			_, _ = s.x.w.Write([]byte("data: [DONE]\n\n"))
			s.x.flush()
		}
		return nil
	}
	if err := s.x.trust(a); err != nil {
		return err
	}
	if s.x.stream {
		s.begin()
		if !a.Done {
			_, _ = s.x.w.Write([]byte("data: [DONE]\n\n"))
		}
		s.x.flush()
		return nil
	}
	s.sent = true
	out := a.JSON()
	s.x.label(understudy.SourceSLM, s.x.target.Alias, s.reason, s.x.id)
	s.x.w.Header().Set("Content-Type", "application/json")
	s.x.w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	s.x.w.WriteHeader(http.StatusOK)
	if _, err := s.x.w.Write(out); err != nil {
		return errClient
	}
	return nil
}

// trust looks at an answer before the client sees any of it: cut off by
// anything but the client's own limit, or no JSON where JSON is wanted, it is
// not to be trusted.
func (x *exchange) trust(a *completion.Assembler) error {
	if a.Finish == "" {
		return errNotStarted
	}
	if a.Finish == "length" && maxTokens(x.body) == 0 {
		return errUntrusted
	}
	answer := a.Answer()
	if len(answer.ToolCalls) > 0 {
		var calls []struct {
			Function struct{ Arguments string }
		}
		if json.Unmarshal(answer.ToolCalls, &calls) != nil {
			return errUntrusted
		}
		for _, c := range calls {
			if !json.Valid([]byte(c.Function.Arguments)) {
				return errUntrusted
			}
		}
		return nil
	}
	if x.wantsJSON() && !json.Valid([]byte(strings.TrimSpace(answer.Text))) {
		return errUntrusted
	}
	return nil
}

// breakOff ends a stream that broke after its first content: with an error
// event and without [DONE].
func (s *slmAnswer) breakOff(err error) {
	s.x.g.meter.broken.WithLabelValues(string(understudy.SourceSLM)).Inc()
	s.x.g.log.Warn("gateway: the SLM's stream broke after its first content", "endpoint", s.x.endpoint.Name, "model", s.x.target.Alias, "error", err)
	_, _ = s.x.w.Write(problem{502, "slm_broke_off", "The small model broke off its answer. Send the request again.", ""}.event())
	s.x.flush()
}
