package lifecycle

import (
	"context"
	"time"

	"understudy.dev/backend/internal/call"

	understudy "understudy.dev/backend"
)

const probePatience = 30 * time.Second

// probe asks a pod for one short completion, not through the gateway.
func (l *lead) probe(ctx context.Context, address, alias string) error {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	in := struct {
		Model     string    `json:"model"`
		Messages  []message `json:"messages"`
		MaxTokens int       `json:"max_tokens"`
	}{alias, []message{{"user", "Hello"}}, 4}
	var out struct {
		Choices []struct {
			Message struct{ Content *string } `json:"message"`
		} `json:"choices"`
	}
	pod := call.Service{Name: "the pod of " + alias, URL: address, Timeout: probePatience, Client: l.Client}
	if err := pod.JSON(ctx, "POST", "/v1/chat/completions", in, &out); err != nil {
		// whatever a pod says while it starts may be otherwise a second later
		return &understudy.Error{Code: understudy.Unavailable, Message: "the probe completion failed", Err: err}
	}
	if len(out.Choices) == 0 {
		return understudy.Errorf(understudy.Unavailable, "the pod of %s answered the probe without a choice", alias)
	}
	return nil
}
