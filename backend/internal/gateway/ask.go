package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

// Ask puts a chat completion request to one side of an endpoint, for a person
// who compares the two: nothing of it is captured or counted, and the other
// side does not answer instead. What goes wrong is in the answer's Error.
func (g *Gateway) Ask(ctx context.Context, endpoint string, side understudy.Source, request json.RawMessage) understudy.Asked {
	x, err := g.exchangeOf(ctx, endpoint, request)
	if err != nil {
		return understudy.Asked{Error: err.Error()}
	}
	var out understudy.Asked
	if side == understudy.SourceSLM {
		out, err = x.askOnlySLM()
	} else {
		out, err = x.askOnlyLLM()
	}
	out.Latency = time.Since(x.start)
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

func (g *Gateway) exchangeOf(ctx context.Context, endpoint string, request json.RawMessage) (*exchange, error) {
	st := g.state.Load()
	if st == nil {
		return nil, errors.New("Understudy is starting and has no routes yet; try again in a second")
	}
	route, ok := st.Endpoints[endpoint]
	if !ok {
		return nil, fmt.Errorf("there is no endpoint %q", endpoint)
	}
	up, ok := g.upstreams[route.Endpoint.Upstream]
	if !ok {
		return nil, fmt.Errorf("the upstream %q is not configured", route.Endpoint.Upstream)
	}
	object, err := body.Parse(request)
	if err != nil {
		return nil, err
	}
	object, err = body.Parse(object.Splice(body.Edit{Name: "stream", Value: []byte("true")}))
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/chat/completions", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return &exchange{g: g, r: r, start: time.Now(), st: st, endpoint: route.Endpoint, target: route.Target, upstream: up, body: object, stream: true}, nil
}

func (x *exchange) askOnlyLLM() (understudy.Asked, error) {
	out := understudy.Asked{Model: x.endpoint.UpstreamModel}
	res, err := x.askLLM()
	if err != nil {
		return out, fmt.Errorf("the upstream %q cannot be reached: %s", x.upstream.Name, brief(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		if m := completion.ErrorMessage(gjson.GetBytes(text, "error")); m != "" {
			text = []byte(m)
		}
		return out, fmt.Errorf("the upstream %q answered %d: %s", x.upstream.Name, res.StatusCode, bytes.TrimSpace(text))
	}
	a := &completion.Assembler{Limit: x.g.cfg.MaxCapture}
	if !isStream(res.Header) {
		raw, err := io.ReadAll(io.LimitReader(res.Body, int64(x.g.cfg.MaxCapture)))
		if err != nil {
			return out, fmt.Errorf("the upstream %q broke off its answer", x.upstream.Name)
		}
		answer, usage, ok := completion.Parse(raw)
		if !ok {
			return out, fmt.Errorf("the upstream %q answered what is no chat completion", x.upstream.Name)
		}
		out.Answer, out.TokensIn, out.TokensOut = answer, usage.Prompt, usage.Completion
	} else if err := x.readAll(res.Body, a, &out); err != nil {
		return out, err
	}
	out.CostUSD = x.upstream.Cost(x.endpoint.UpstreamModel, out.TokensIn, out.TokensOut)
	return out, nil
}

// readAll assembles a stream to its end.
func (x *exchange) readAll(in io.Reader, a *completion.Assembler, out *understudy.Asked) error {
	events := sse.NewReader(in)
	for {
		e, err := events.Next()
		if err != nil {
			break
		}
		a.Add(e.Data)
		if out.FirstToken == 0 && a.Started() {
			out.FirstToken = time.Since(x.start)
		}
	}
	take(out, a)
	switch {
	case a.Failed != "":
		return fmt.Errorf("the upstream %q broke off its answer: %s", x.upstream.Name, a.Failed)
	case a.Finish == "" && !a.Done:
		return fmt.Errorf("the upstream %q broke off its answer", x.upstream.Name)
	}
	return nil
}

func take(out *understudy.Asked, a *completion.Assembler) {
	out.Answer, out.TokensIn, out.TokensOut = a.Answer(), a.Usage.Prompt, a.Usage.Completion
}

func (x *exchange) askOnlySLM() (understudy.Asked, error) {
	if x.target == nil {
		return understudy.Asked{}, errors.New("no model is on stage")
	}
	out := understudy.Asked{Model: x.target.Alias}
	if !x.fits(true) {
		return out, errors.New("the request is nothing for a small model: it is too long, or asks for what only the LLM can do")
	}
	var pods []string
	if x.g.cfg.Addresses != nil && !x.target.Asleep {
		pods = x.g.pods.pick(x.g.cfg.Addresses.Ready(x.target.Release))
	}
	if len(pods) == 0 {
		x.g.activity.want(x.endpoint.Name, x.target.Asleep)
		if x.target.Asleep {
			return out, errors.New("the model is asleep and is being woken; ask again in some seconds")
		}
		return out, errors.New("no pod of the model is ready")
	}
	a, err := x.g.ask(x.r.Context(), pods[0], call{
		payload: x.slmBody(), first: x.endpoint.SLMTotalTimeout, total: x.endpoint.SLMTotalTimeout,
		event: func(_ sse.Event, a *completion.Assembler, _ bool) error {
			if out.FirstToken == 0 && a.Started() {
				out.FirstToken = time.Since(x.start)
			}
			return nil
		},
	})
	if a != nil {
		take(&out, a)
	}
	return out, err
}
