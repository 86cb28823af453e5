package fakerunpod

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

type line struct {
	at   time.Time
	text string
}

// lines is what a pod's program printed.
type lines struct {
	mu   sync.Mutex
	all  []line
	rest string
}

const maxLines = 5000

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	parts := strings.Split(l.rest+string(b), "\n")
	l.rest = parts[len(parts)-1]
	l.mu.Unlock()
	for _, text := range parts[:len(parts)-1] {
		l.add(text)
	}
	return len(b), nil
}

func (l *lines) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line{time.Now(), text})
	l.all = l.all[max(len(l.all)-maxLines, 0):]
}

// since returns the lines after a moment.
func (l *lines) since(at time.Time) []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := len(l.all)
	for i > 0 && l.all[i-1].at.After(at) {
		i--
	}
	return append([]line{}, l.all[i:]...)
}

// logs streams what a pod prints, as server-sent events.
func (s *Server) logs(w http.ResponseWriter, r *http.Request, _ caller) {
	s.mu.Lock()
	p := s.one(w, r)
	s.mu.Unlock()
	if p == nil {
		return
	}
	tail, err := strconv.Atoi(r.URL.Query().Get("tail"))
	if err != nil {
		tail = 100
	}
	var last time.Time
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		last, _ = time.Parse(time.RFC3339Nano, id)
	} else if all := p.log.since(last); len(all) > tail {
		last = all[len(all)-tail-1].at
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(200)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, l := range p.log.since(last) {
			last = l.at
			ts := l.at.UTC().Format(time.RFC3339Nano)
			b, _ := json.Marshal(map[string]string{"source": "container", "line": l.text, "ts": ts})
			fmt.Fprintf(w, "id: %s\ndata: %s\n\n", ts, b)
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
