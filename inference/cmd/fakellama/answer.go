package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// token waits as told and misbehaves after the third. It returns false where
// the client is gone.
func (s *server) token(r *http.Request, a answer, n int) bool {
	if a.pause > 0 {
		select {
		case <-time.After(a.pause):
		case <-r.Context().Done():
			return false
		}
	}
	if n >= 3 && has(a.orders, "die") {
		os.Exit(139)
	}
	if n >= 3 && has(a.orders, "cut") {
		panic(http.ErrAbortHandler)
	}
	s.predicted.Add(1)
	return r.Context().Err() == nil
}

func (a answer) usage() map[string]any {
	return map[string]any{"prompt_tokens": a.promptTokens, "completion_tokens": len(a.tokens), "total_tokens": a.promptTokens + len(a.tokens),
		"prompt_tokens_details": map[string]int{"cached_tokens": 0}}
}

func (s *server) whole(w http.ResponseWriter, r *http.Request, a answer) {
	for n := range a.tokens {
		if !s.token(r, a, n) {
			return
		}
	}
	write(w, 200, map[string]any{
		"id": a.id, "object": "chat.completion", "created": a.created, "model": s.alias, "system_fingerprint": "b0-fake",
		"choices": []any{map[string]any{"index": 0, "finish_reason": a.finish,
			"message": map[string]any{"role": "assistant", "content": strings.Join(a.tokens, "")}}},
		"usage":   a.usage(),
		"timings": map[string]any{"prompt_n": a.promptTokens, "predicted_n": len(a.tokens)},
	})
}

func (s *server) stream(w http.ResponseWriter, r *http.Request, q request, a answer) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	event := func(v any) {
		b, _ := json.Marshal(v)
		fmt.Fprintf(w, "data: %s\n\n", b)
		_ = http.NewResponseController(w).Flush()
	}
	chunk := func(choices []any) map[string]any {
		return map[string]any{"id": a.id, "object": "chat.completion.chunk", "created": a.created, "model": s.alias,
			"system_fingerprint": "b0-fake", "choices": choices}
	}
	delta := func(d map[string]any, finish any) []any {
		return []any{map[string]any{"index": 0, "delta": d, "finish_reason": finish}}
	}
	if has(a.orders, "error") {
		event(map[string]any{"error": map[string]any{"code": 500, "type": "server_error", "message": "told to fail"}})
		return
	}
	event(chunk(delta(map[string]any{"role": "assistant", "content": nil}, nil)))
	for n, text := range a.tokens {
		if !s.token(r, a, n) {
			return
		}
		event(chunk(delta(map[string]any{"content": text}, nil)))
	}
	event(chunk(delta(map[string]any{}, a.finish)))
	if q.StreamOptions.IncludeUsage {
		last := chunk([]any{})
		last["usage"] = a.usage()
		event(last)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}
