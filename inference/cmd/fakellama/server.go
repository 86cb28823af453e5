package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
)

type server struct {
	alias   string
	slots   int
	context int // words of a slot
	metrics bool
	answers map[string]string
	do      string
	control string
	loaded  atomic.Bool
	busy    chan struct{}
	// What /metrics shows.
	prompt, predicted, processing, deferred, ids atomic.Int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "llama.cpp")
	if !s.loaded.Load() || s.told("loading") {
		fail(w, 503, "unavailable_error", "Loading model", nil)
		return
	}
	if s.told("silent") {
		<-r.Context().Done()
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /health", "GET /v1/health":
		write(w, 200, map[string]string{"status": "ok"})
	case "GET /v1/models", "GET /models":
		write(w, 200, map[string]any{"object": "list", "data": []any{map[string]any{
			"id": s.alias, "object": "model", "created": 1, "owned_by": "llamacpp", "meta": map[string]int{"n_ctx": s.context}}}})
	case "GET /metrics":
		if !s.metrics {
			fail(w, 501, "not_supported_error", "This server does not support metrics endpoint. Start it with `--metrics`", nil)
			return
		}
		for name, v := range map[string]int64{"prompt_tokens_total": s.prompt.Load(), "tokens_predicted_total": s.predicted.Load(),
			"requests_processing": s.processing.Load(), "requests_deferred": s.deferred.Load()} {
			fmt.Fprintf(w, "llamacpp:%s %d\n", name, v)
		}
	case "POST /v1/chat/completions":
		s.complete(w, r)
	default:
		fail(w, 404, "not_found_error", "File Not Found", nil)
	}
}

// told says whether the environment or the control file asks for a behaviour.
func (s *server) told(name string) bool { return has(s.orders(), name) }

func (s *server) orders() string {
	if s.control == "" {
		return s.do
	}
	b, _ := os.ReadFile(s.control)
	return s.do + string(b)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, kind, message string, more map[string]int) {
	e := map[string]any{"code": status, "type": kind, "message": message}
	for k, v := range more {
		e[k] = v
	}
	write(w, status, map[string]any{"error": e})
}
