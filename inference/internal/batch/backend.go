package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Variants of a prompt: the model, and its base with the adapter switched off.
const (
	Tuned = "tuned"
	Base  = "base"
)

// Prompt is one request that has no answer yet.
type Prompt struct {
	Seq       int64           `json:"seq"`
	ID        string          `json:"id"`
	Variant   string          `json:"variant"`
	Request   json.RawMessage `json:"request"`   // a chat completion's body
	MaxTokens int             `json:"maxTokens"` // 0 means no bound of its own
}

// Page is a part of what has no answer yet. Next is the cursor behind it.
type Page struct {
	Items     []Prompt `json:"items"`
	Next      int64    `json:"next"`
	Total     int      `json:"total"`
	Remaining int      `json:"remaining"`
}

// Answer is what a prompt got. Error is empty unless there is no answer.
type Answer struct {
	ID           string          `json:"id"`
	Variant      string          `json:"variant"`
	Text         string          `json:"text"`
	ToolCalls    json.RawMessage `json:"toolCalls"` // an array
	FinishReason string          `json:"finishReason"`
	TokensIn     int             `json:"tokensIn"`
	TokensOut    int             `json:"tokensOut"`
	LatencyMs    int64           `json:"latencyMs"`
	Error        string          `json:"error"`
}

// Backend is where prompts come from and answers go.
type Backend struct {
	URL     string
	Model   string
	Attempt int
	Token   func() (string, error)
}

// Refusal is the backend's answer other than success.
type Refusal struct {
	Status int
	Text   string
}

func (e *Refusal) Error() string { return fmt.Sprintf("the backend answered %d: %s", e.Status, e.Text) }

// hopeless tells refusals that a repetition would only repeat.
func (e *Refusal) hopeless() bool {
	return e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// Prompts makes one try at the page behind after.
func (b *Backend) Prompts(ctx context.Context, after int64, limit int) (Page, error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}}
	text, err := b.do(ctx, http.MethodGet, "prompts?"+query.Encode(), nil)
	if err != nil {
		return Page{}, fmt.Errorf("fetch prompts: %w", err)
	}
	var page Page
	if err := json.Unmarshal(text, &page); err != nil {
		return Page{}, fmt.Errorf("read prompts: %w", err)
	}
	return page, nil
}

// Answers makes one try at storing answers; the backend keeps one for each
// prompt, so it may be repeated.
func (b *Backend) Answers(ctx context.Context, answers []Answer) error {
	body, err := json.Marshal(map[string]any{"answers": answers})
	if err != nil {
		return err
	}
	if _, err := b.do(ctx, http.MethodPost, "answers", body); err != nil {
		return fmt.Errorf("post answers: %w", err)
	}
	return nil
}

func (b *Backend) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	address := fmt.Sprintf("%s/internal/v1/models/%s/evaluations/%d/%s", b.URL, url.PathEscape(b.Model), b.Attempt, path)
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	token, err := b.Token()
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return nil, &Refusal{Status: res.StatusCode, Text: string(bytes.TrimSpace(text))}
	}
	return io.ReadAll(res.Body)
}
