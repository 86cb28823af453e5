package gateway

import (
	"net/http"
	"strings"

	understudy "understudy.dev/backend"
)

// label sets the headers that say who answers and why.
func (x *exchange) label(source understudy.Source, model string, reason understudy.Reason, pair string) {
	h := x.w.Header()
	h["X-Understudy-Source"] = []string{string(source)}
	h["X-Understudy-Model"] = []string{model}
	h["X-Understudy-Reason"] = []string{string(reason)}
	if pair != "" {
		h["X-Understudy-Pair"] = []string{pair}
	}
}

// startStream sends a stream's headers.
func (x *exchange) startStream() {
	h := x.w.Header()
	h.Del("Content-Length")
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
	x.w.WriteHeader(http.StatusOK)
}

func (x *exchange) flush() {
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
		return
	}
	_ = http.NewResponseController(x.w).Flush()
}

// gone reports whether the client has left.
func (x *exchange) gone() bool { return x.r.Context().Err() != nil }

func isStream(h http.Header) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/event-stream")
}

// statusClientGone is what is counted where the client left before its answer.
const statusClientGone = 499
