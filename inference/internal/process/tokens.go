package process

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"
)

// tokens sums the server's own counters over the lives of all children.
type tokens struct {
	mu                sync.Mutex
	base              string // the child that now counts
	prompt, completed counter
}

type counter struct{ before, now float64 }

func (c counter) sum() float64 { return c.before + c.now }

// anew is called for each child, whose counters begin at 0.
func (t *tokens) anew(base string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base = base
	t.prompt = counter{before: t.prompt.sum()}
	t.completed = counter{before: t.completed.sum()}
}

// read takes the counters from the text of base's /metrics.
func (t *tokens) read(base string, text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if base != t.base {
		return
	}
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		n, err := strconv.ParseFloat(string(value), 64)
		if err != nil {
			continue
		}
		switch string(name) {
		case "llamacpp:prompt_tokens_total":
			t.prompt.now = n
		case "llamacpp:tokens_predicted_total":
			t.completed.now = n
		}
	}
}

// Tokens returns how many prompt tokens were processed (cached ones apart) and
// how many were generated since the start. It asks the server, for at most a
// second, and is at most some seconds old where that fails.
func (s *Supervisor) Tokens(ctx context.Context) (prompt, completed float64) {
	if base, err := s.Address(); err == nil {
		if _, text, err := get(ctx, base+"/metrics", time.Second); err == nil {
			s.tokens.read(base, text)
		}
	}
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	return s.tokens.prompt.sum(), s.tokens.completed.sum()
}
