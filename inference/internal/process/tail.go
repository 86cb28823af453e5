package process

import (
	"strings"
	"sync"
)

// tail keeps the last lines written to it, for the sentence that says why a
// child ended.
type tail struct {
	limit int
	mu    sync.Mutex
	lines []string
	open  string // the line that has no end yet
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := strings.Split(t.open+string(p), "\n")
	t.open = parts[len(parts)-1]
	if len(t.open) > 1000 {
		t.open = t.open[:1000]
	}
	for _, line := range parts[:len(parts)-1] {
		if line = strings.TrimSpace(line); line != "" {
			t.lines = append(t.lines, line)
		}
	}
	t.lines = t.lines[max(0, len(t.lines)-t.limit):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "it said nothing"
	}
	return strings.Join(t.lines, " | ")
}
