package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type request struct {
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int `json:"max_tokens"`
	MaxCompletionTokens int `json:"max_completion_tokens"`
	Lora                []struct {
		ID    int     `json:"id"`
		Scale float64 `json:"scale"`
	} `json:"lora"`
}

func (s *server) complete(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		fail(w, 400, "invalid_request_error", "parse error: "+err.Error(), nil)
		return
	}
	if len(q.Messages) == 0 {
		fail(w, 400, "invalid_request_error", "'messages' is required", nil)
		return
	}
	prompt, words := "", 0
	for _, m := range q.Messages {
		text := content(m.Content)
		words += len(strings.Fields(text)) + 2
		if m.Role == "user" {
			prompt = text
		}
	}
	if words >= s.context {
		fail(w, 400, "exceed_context_size_error", fmt.Sprintf("request (%d tokens) exceeds the available context size (%d tokens), try increasing it", words, s.context),
			map[string]int{"n_prompt_tokens": words, "n_ctx": s.context})
		return
	}
	orders := prompt
	if q.MaxTokens != 1 {
		orders += s.orders()
	}

	s.deferred.Add(1)
	select {
	case s.busy <- struct{}{}:
		s.deferred.Add(-1)
	case <-r.Context().Done():
		s.deferred.Add(-1)
		return
	}
	s.processing.Add(1)
	defer func() { s.processing.Add(-1); <-s.busy }()
	s.prompt.Add(int64(words))

	a := s.answer(q, prompt, orders)
	a.promptTokens = words
	switch {
	case has(orders, "crash"):
		os.Exit(139)
	case has(orders, "hang"):
		<-r.Context().Done()
	case has(orders, "refuse"):
		fail(w, 503, "unavailable_error", "told to refuse", nil)
	case has(orders, "broken"):
		io.WriteString(w, "<html>this is no JSON")
	case q.Stream:
		s.stream(w, r, q, a)
	default:
		s.whole(w, r, a)
	}
}

type answer struct {
	id           string
	created      int64
	tokens       []string
	finish       string
	promptTokens int
	pause        time.Duration
	orders       string
}

func (s *server) answer(q request, prompt, orders string) answer {
	text, known := s.answers[prompt]
	if !known {
		text = "echo: " + prompt
	}
	if len(q.Lora) > 0 && q.Lora[0].Scale == 0 {
		text = "base: " + prompt
	}
	if say, ok := directive(orders, "say"); ok {
		text = say
	}
	if n, ok := directive(orders, "words"); ok {
		count, _ := strconv.Atoi(n)
		text = strings.TrimSpace(strings.Repeat("word ", count))
	}
	a := answer{id: fmt.Sprintf("chatcmpl-fake%d", s.ids.Add(1)), created: time.Now().Unix(), finish: "stop", orders: orders}
	a.tokens = strings.SplitAfter(text, " ")
	limit := q.MaxTokens
	if q.MaxCompletionTokens > 0 {
		limit = q.MaxCompletionTokens
	}
	if limit > 0 && len(a.tokens) > limit {
		a.tokens, a.finish = a.tokens[:limit], "length"
	}
	if p, ok := directive(orders, "slow"); ok {
		a.pause, _ = time.ParseDuration(p)
	}
	return a
}

// directive finds [[name]] or [[name:value]].
func directive(text, name string) (value string, ok bool) {
	_, rest, ok := strings.Cut(text, "[["+name)
	if !ok {
		return "", false
	}
	value, _, ok = strings.Cut(rest, "]]")
	return strings.TrimPrefix(value, ":"), ok
}

func has(text, name string) bool { _, ok := directive(text, name); return ok }

// content is a message's text, whether a string or parts.
func content(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct{ Text string }
	_ = json.Unmarshal(raw, &parts)
	for _, p := range parts {
		text += p.Text
	}
	return text
}
