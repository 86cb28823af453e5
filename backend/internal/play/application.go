package play

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Application is somebody's program that asks an LLM the same kind of thing
// all day. It knows OpenAI's wire format and a base URL, nothing else of the
// platform; only the answer's headers tell it who answered.
type Application struct {
	BaseURL string // ends before /chat/completions
	Key     string
	Model   string
	Header  http.Header // sent with every request; may be nil
	Client  *http.Client
}

// Reply is what the application got.
type Reply struct {
	Text   string
	Source string // X-Understudy-Source: llm or slm
	Reason string // X-Understudy-Reason
	Pair   string // X-Understudy-Pair
	Took   time.Duration
	Err    error
}

// Ask sends one conversation; every second one is streamed.
func (a Application) Ask(ctx context.Context, c Conversation, stream bool) Reply {
	started := time.Now()
	r, err := a.ask(ctx, c, stream)
	r.Took, r.Err = time.Since(started), err
	return r
}

func (a Application) ask(ctx context.Context, c Conversation, stream bool) (Reply, error) {
	body := map[string]any{"model": a.Model, "messages": c.Messages, "temperature": 0}
	if len(c.Tools) > 0 {
		body["tools"] = c.Tools
	}
	if stream {
		body["stream"] = true
	}
	b, err := json.Marshal(body)
	if err != nil {
		return Reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.BaseURL+"/chat/completions", bytes.NewReader(b))
	if err != nil {
		return Reply{}, err
	}
	if a.Header != nil {
		req.Header = a.Header.Clone()
	}
	req.Header.Set("Authorization", "Bearer "+a.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.Client.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer res.Body.Close()
	h := res.Header
	r := Reply{Source: h.Get("X-Understudy-Source"), Reason: h.Get("X-Understudy-Reason"), Pair: h.Get("X-Understudy-Pair")}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return r, fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	if stream {
		r.Text, err = readStream(res.Body)
	} else {
		r.Text, err = readCompletion(res.Body)
	}
	return r, err
}

func readCompletion(body io.Reader) (string, error) {
	var out struct {
		Choices []struct {
			Message json.RawMessage `json:"message"`
		} `json:"choices"`
	}
	if err := json.NewDecoder(body).Decode(&out); err != nil {
		return "", fmt.Errorf("read the completion: %w", err)
	}
	if len(out.Choices) == 0 {
		return "", fmt.Errorf("the completion has no choice")
	}
	return Conversation{Answer: out.Choices[0].Message}.AnswerText(), nil
}

func readStream(body io.Reader) (string, error) {
	var text strings.Builder
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		data, isData := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if data == "[DONE]" {
			return text.String(), nil
		}
		if isData {
			var chunk struct {
				Choices []struct {
					Delta struct {
						Content string `json:"content"`
					} `json:"delta"`
				} `json:"choices"`
				Error json.RawMessage `json:"error"`
			}
			if err := json.Unmarshal([]byte(data), &chunk); err != nil || chunk.Error != nil {
				return text.String(), fmt.Errorf("the stream broke: %s", data)
			}
			for _, c := range chunk.Choices {
				text.WriteString(c.Delta.Content)
			}
		}
		if err != nil {
			return text.String(), fmt.Errorf("the stream ended without [DONE]: %w", err)
		}
	}
}

// AskAll sends every conversation, at most parallel at a time, and calls tell
// after each, one call at a time. Conversations with tools are not streamed:
// the application reads tool calls from complete answers only.
func (a Application) AskAll(ctx context.Context, list []Conversation, parallel int, tell func(i int, r Reply)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := make(chan int)
	for range parallel {
		wg.Go(func() {
			for i := range next {
				r := a.Ask(ctx, list[i], i%2 == 1 && len(list[i].Tools) == 0)
				mu.Lock()
				tell(i, r)
				mu.Unlock()
			}
		})
	}
	for i := range list {
		select {
		case next <- i:
		case <-ctx.Done():
			close(next)
			wg.Wait()
			return
		}
	}
	close(next)
	wg.Wait()
}
