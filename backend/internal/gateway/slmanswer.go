package gateway

import (
	"net/http"
	"strconv"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

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
	s.x.g.meter.firstToken.WithLabelValues(s.x.endpoint.Name, string(understudy.SourceSLM)).Observe(s.firstToken.Seconds())
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

// breakOff ends a stream that broke after its first content: with an error
// event and without [DONE].
func (s *slmAnswer) breakOff(err error) {
	s.x.g.meter.broken.WithLabelValues(s.x.endpoint.Name, string(understudy.SourceSLM)).Inc()
	s.x.g.log.Warn("gateway: the SLM's stream broke after its first content", "endpoint", s.x.endpoint.Name, "model", s.x.target.Alias, "error", err)
	_, _ = s.x.w.Write(problem{502, "slm_broke_off", "The small model broke off its answer. Send the request again.", ""}.event())
	s.x.flush()
}
