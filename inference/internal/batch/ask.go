package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// ask answers one prompt, however it ends. Where the server broke it tries
// again, r.Tries times in all and alone: a prompt that kills the server must
// not take those beside it along. It returns an error only when ctx ended.
func (r *Runner) ask(ctx context.Context, p Prompt) (Answer, error) {
	a := Answer{ID: p.ID, Variant: p.Variant, ToolCalls: json.RawMessage("[]")}
	request, err := body(p, r.Adapter)
	if err != nil {
		a.Error = err.Error()
		return a, nil
	}
	r.turn.RLock()
	again, err := r.try(ctx, request, &a)
	r.turn.RUnlock()
	for tries := 1; again && err == nil && tries < r.Tries; tries++ {
		r.Log.Warn("prompt failed", "id", p.ID, "variant", p.Variant, "error", a.Error)
		r.turn.Lock()
		again, err = r.try(ctx, request, &a)
		r.turn.Unlock()
	}
	return a, err
}

// try fills a with an answer or an error. again says whether another try may
// help; err is not nil only when ctx ended.
func (r *Runner) try(ctx context.Context, request []byte, a *Answer) (again bool, err error) {
	for {
		base, err := r.Await(ctx)
		if err != nil {
			return false, err
		}
		began := time.Now()
		again, err := r.once(ctx, base, request, a)
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case errors.Is(err, syscall.ECONNREFUSED): // it died before this prompt came
			time.Sleep(20 * time.Millisecond) // until Await knows
			continue
		case err != nil:
			a.Error = err.Error()
		default:
			a.Error = ""
		}
		a.LatencyMs = time.Since(began).Milliseconds()
		return again, nil
	}
}

type completion struct {
	Choices []struct {
		Message struct {
			Content   *string         `json:"content"`
			ToolCalls json.RawMessage `json:"tool_calls"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
}

// noAnswer says what a person is told of a server that ended under a prompt:
// whether that shows as an end of the stream or as a reset is chance.
func noAnswer(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("the model server ended before it answered: %w", err)
}

// once fills a from one completion. again says whether another try may help.
func (r *Runner) once(ctx context.Context, base string, request []byte, a *Answer) (again bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.RequestTime, fmt.Errorf("no answer within %s", r.RequestTime))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(request))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		return true, noAnswer(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		return true, fmt.Errorf("the answer broke off: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode >= 500, fmt.Errorf("status %d: %.500s", res.StatusCode, text)
	}
	var c completion
	if err := json.Unmarshal(text, &c); err != nil || len(c.Choices) == 0 {
		return true, fmt.Errorf("the answer is no completion: %.200s", text)
	}
	choice := c.Choices[0]
	if choice.Message.Content != nil {
		a.Text = *choice.Message.Content
	}
	if calls := choice.Message.ToolCalls; len(calls) > 0 && string(calls) != "null" {
		a.ToolCalls = calls
	}
	a.FinishReason = choice.FinishReason
	a.TokensIn, a.TokensOut = c.Usage.PromptTokens, c.Usage.CompletionTokens
	return false, nil
}
