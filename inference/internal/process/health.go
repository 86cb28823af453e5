package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// loopback keeps no connection: an idle one would hold one of the server's threads.
var loopback = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// loadingLimit is how long weights may take to load; far more than a slow disk needs.
const loadingLimit = 15 * time.Minute

// awaitHealth polls /health, which refuses connections or says 503 while the
// model loads, until it says 200 or ctx ends with the child.
func awaitHealth(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, loadingLimit, fmt.Errorf("the model was not loaded after %s", loadingLimit))
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _, err := get(ctx, base+"/health", 2*time.Second); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// complete asks for one token: only an answer shows that model, adapter and
// template work together. An answer under another name comes from a foreign
// server that took the port.
func complete(ctx context.Context, base, alias string, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer after %s", limit))
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"model": alias, "max_tokens": 1, "temperature": 0,
		"messages": []map[string]string{{"role": "user", "content": "Hello"}},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := loopback.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %.300s", res.StatusCode, text)
	}
	var answer struct {
		Model   string            `json:"model"`
		Choices []json.RawMessage `json:"choices"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Choices) == 0 {
		return fmt.Errorf("it is no completion: %.300s", text)
	}
	if answer.Model != alias {
		return fmt.Errorf("another server, of model %q, answers on its port", answer.Model)
	}
	return nil
}

// watch returns when the child ends, or when it has been silent for
// StallAfter. /metrics is answered by the loop that decodes, so it tells a
// hung one where /health does not.
func (s *Supervisor) watch(ctx context.Context, base string) error {
	tick := time.NewTicker(min(5*time.Second, s.StallAfter/2))
	defer tick.Stop()
	heard := time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if _, body, err := get(ctx, base+"/metrics", s.StallAfter); err == nil {
			heard = time.Now()
			s.tokens.read(base, body)
		} else if since := time.Since(heard); ctx.Err() == nil && since >= s.StallAfter {
			return fmt.Errorf("it has not answered for %s and is being killed", since.Round(time.Second))
		}
	}
}

func get(ctx context.Context, url string, limit time.Duration) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := loopback.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}
