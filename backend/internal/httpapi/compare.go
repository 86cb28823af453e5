package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// Asker puts a request to one side of an endpoint, uncaptured and without
// falling back to the other.
type Asker interface {
	Ask(ctx context.Context, endpoint string, side understudy.Source, request json.RawMessage) understudy.Asked
}

// Scorer says how alike answers are.
type Scorer interface {
	Score(ctx context.Context, pairs []understudy.Comparison) ([]understudy.Likeness, error)
}

func (a *API) compareRoutes() {
	op := a.operation(http.MethodPost, "/endpoints/{endpoint}/compare", "compare", "Endpoints", "Put a request to the LLM and to the SLM", 200)
	op.Description = "Nothing of it is captured. A side that cannot answer says why; the status is 200 all the same."
	handle(a, op, a.compare)
}

// compareFor bounds one comparison: a person waits for it.
const compareFor = 2 * time.Minute

func (a *API) compare(ctx context.Context, in *struct {
	EndpointPath
	Body wire.CompareInput
}) (*body[wire.Comparison], error) {
	if a.Ask == nil {
		return nil, understudy.Errorf(understudy.Unavailable, "no gateway runs here to ask")
	}
	e, err := a.endpoint(ctx, in.Endpoint)
	if err != nil {
		return nil, err
	}
	request, err := a.requestOf(ctx, e, in.Body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, compareFor)
	defer cancel()
	var llm, slm understudy.Asked
	var both sync.WaitGroup
	both.Go(func() { llm = a.Ask.Ask(ctx, e.Name, understudy.SourceLLM, request) })
	both.Go(func() { slm = a.Ask.Ask(ctx, e.Name, understudy.SourceSLM, request) })
	both.Wait()
	out := wire.Comparison{LLM: sideOf(llm), SLM: sideOf(slm)}
	if llm.Error == "" && slm.Error == "" {
		same := understudy.SameAnswer(llm.Answer, slm.Answer)
		out.Exact, out.Similarity = &same, a.similarity(ctx, llm.Answer, slm.Answer)
	}
	return answer(out), nil
}

func (a *API) similarity(ctx context.Context, llm, slm understudy.Answer) *float64 {
	if a.Evaluator == nil {
		return nil
	}
	scores, err := a.Evaluator.Score(ctx, []understudy.Comparison{{ID: "1", Expected: llm.Canonical(), Actual: slm.Canonical()}})
	if err != nil || len(scores) != 1 {
		slog.Warn("two answers could not be compared", "error", err)
		return nil
	}
	return &scores[0].Similarity
}

// requestOf makes the chat completion that is asked: with the parameters, and
// for a prompt behind the system messages, that the endpoint was last asked
// with. A task is known by them.
func (a *API) requestOf(ctx context.Context, e understudy.Endpoint, in wire.CompareInput) (json.RawMessage, error) {
	switch {
	case len(in.Messages) > 0 && in.Prompt != "":
		return nil, understudy.Errorf(understudy.Invalid, "give messages or prompt, not both")
	case len(in.Messages) == 0 && in.Prompt == "":
		return nil, understudy.Errorf(understudy.Invalid, "messages and prompt are missing: give one of them")
	}
	request, system, err := a.lastAsked(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	request["messages"] = in.Messages
	if in.Prompt != "" {
		request["messages"] = append(system, map[string]any{"role": "user", "content": in.Prompt})
	}
	if in.MaxTokens > 0 {
		delete(request, "max_completion_tokens")
		request["max_tokens"] = in.MaxTokens
	}
	return json.Marshal(request)
}

// lastAsked returns the newest request and its system messages.
func (a *API) lastAsked(ctx context.Context, endpoint string) (request map[string]any, system []any, err error) {
	request = map[string]any{}
	pairs, _, err := a.DB.Pairs(ctx, understudy.PairFilter{Endpoint: endpoint, Limit: 1})
	if err != nil || len(pairs) == 0 {
		return request, nil, err
	}
	// What it is, the gateway judges; it must not keep a person from asking.
	if json.Unmarshal(pairs[0].Request, &request) != nil {
		return map[string]any{}, nil, nil
	}
	messages, _ := request["messages"].([]any)
	for _, m := range messages {
		if role, _ := m.(map[string]any); role["role"] == "system" || role["role"] == "developer" {
			system = append(system, m)
		}
	}
	return request, system, nil
}

func sideOf(x understudy.Asked) wire.Side {
	return wire.Side{
		Model: x.Model, Text: x.Answer.Text, ToolCalls: x.Answer.ToolCalls, FinishReason: x.Answer.FinishReason,
		LatencyMs: ms(x.Latency), FirstTokenMs: ms(x.FirstToken), TokensIn: x.TokensIn, TokensOut: x.TokensOut, CostUSD: x.CostUSD, Error: x.Error,
	}
}
