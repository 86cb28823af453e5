package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) pairRoutes() {
	const tag = "Pairs"
	handle(a, a.operation(http.MethodGet, "/endpoints/{endpoint}/pairs", "list-pairs", tag, "List captured pairs, newest first", 200), a.listPairs)
	handle(a, a.operation(http.MethodGet, "/endpoints/{endpoint}/pairs/{pair}", "get-pair", tag, "Show a pair", 200), a.getPair)
	handle(a, a.operation(http.MethodGet, "/pairs/{pair}", "get-pair-by-id", tag, "Show a pair of whatever endpoint", 200), a.getPairByID)
	handle(a, a.operation(http.MethodGet, "/pairs/{pair}/shadow", "get-shadow", tag, "Show what the other side answered to a sampled request", 200), a.getShadow)
	handle(a, a.operation(http.MethodDelete, "/endpoints/{endpoint}/pairs/{pair}", "delete-pair", tag, "Delete a pair", 204), a.deletePair)
	handle(a, a.operation(http.MethodDelete, "/endpoints/{endpoint}/pairs", "delete-user-pairs", tag, "Delete every pair of a user", 200), a.deleteUserPairs)
	a.importRoute(tag)
	a.exportRoute(tag)
}

// PairFilter is how pairs are chosen.
type PairFilter struct {
	Source string `query:"source" enum:"llm,slm" doc:"Who answered"`
	Split  string `query:"split" enum:"train,eval"`
	Reason string `query:"reason" enum:"normal,sample,fallback,forced,import,shadow"`
	User   string `query:"user"`
	Model  string `query:"modelId" doc:"Only the SLM's answers of this model"`
	Search string `query:"search" doc:"Part of the request or the answer, letter case ignored"`
}

func (f PairFilter) of(endpoint string) understudy.PairFilter {
	return understudy.PairFilter{Endpoint: endpoint, Source: understudy.Source(f.Source), Split: understudy.Split(f.Split),
		Reason: understudy.Reason(f.Reason), User: f.User, ModelID: f.Model, Search: f.Search}
}

func (a *API) listPairs(ctx context.Context, in *struct {
	EndpointPath
	PageInput
	PairFilter
	Order string `query:"order" enum:"newest,oldest" default:"newest"`
}) (*body[wire.Page[wire.Pair]], error) {
	if _, err := a.endpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	f := in.PairFilter.of(in.Endpoint)
	if f.Limit = in.Limit; in.Order == "oldest" {
		f.After = cmp.Or(in.Cursor, firstPair)
	} else {
		f.Before = in.Cursor
	}
	pairs, next, err := a.DB.Pairs(ctx, f)
	if err != nil {
		return nil, err
	}
	var sampled []string
	for _, p := range pairs {
		if p.Reason == understudy.ReasonSample {
			sampled = append(sampled, p.ID)
		}
	}
	shadows, err := a.DB.Shadows(ctx, sampled)
	if err != nil {
		return nil, err
	}
	page := wire.Page[wire.Pair]{Items: make([]wire.Pair, 0, len(pairs)), Next: next}
	for _, p := range pairs {
		shown := listed(p)
		if id := shadows[p.ID]; id != "" {
			shown.ShadowID = id
		}
		page.Items = append(page.Items, shown)
	}
	return answer(page), nil
}

func (a *API) getPairByID(ctx context.Context, in *PairID) (*body[wire.Pair], error) {
	p, err := a.DB.Pair(ctx, in.Pair)
	if err != nil {
		return nil, err
	}
	return a.showPair(ctx, p)
}

func (a *API) getShadow(ctx context.Context, in *PairID) (*body[wire.Pair], error) {
	p, err := a.DB.Pair(ctx, in.Pair)
	if err != nil {
		return nil, err
	}
	other, err := a.DB.OtherSide(ctx, p)
	if err != nil {
		return nil, err
	}
	return a.showPair(ctx, other)
}

// showPair is whole, and names the other side's answer where there is one.
func (a *API) showPair(ctx context.Context, p understudy.Pair) (*body[wire.Pair], error) {
	shown := pairOf(p)
	if p.Reason == understudy.ReasonSample {
		shadows, err := a.DB.Shadows(ctx, []string{p.ID})
		if err != nil {
			return nil, err
		}
		shown.ShadowID = shadows[p.ID]
	}
	return answer(shown), nil
}

// PairID names a pair by itself.
type PairID struct {
	Pair string `path:"pair" doc:"The pair's id"`
}

// PairPath names a pair.
type PairPath struct {
	EndpointPath
	Pair string `path:"pair" doc:"The pair's id"`
}

func (a *API) pair(ctx context.Context, in PairPath) (understudy.Pair, error) {
	p, err := a.DB.Pair(ctx, in.Pair)
	if err == nil && p.Endpoint != in.Endpoint {
		return p, understudy.Errorf(understudy.NotFound, "endpoint %q has no pair %q", in.Endpoint, in.Pair)
	}
	return p, err
}

func (a *API) getPair(ctx context.Context, in *PairPath) (*body[wire.Pair], error) {
	p, err := a.pair(ctx, *in)
	if err != nil {
		return nil, err
	}
	return a.showPair(ctx, p)
}

func (a *API) deletePair(ctx context.Context, in *PairPath) (*struct{}, error) {
	if _, err := a.pair(ctx, *in); err != nil {
		return nil, err
	}
	if err := a.DB.DeletePair(ctx, in.Pair); err != nil {
		return nil, err
	}
	a.wrote(ctx, in.Endpoint)
	return nil, nil
}

func (a *API) deleteUserPairs(ctx context.Context, in *struct {
	EndpointPath
	User string `query:"user" required:"true" minLength:"1" doc:"Whose"`
}) (*body[wire.Deleted], error) {
	if _, err := a.endpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	n, err := a.DB.DeleteUserPairs(ctx, in.Endpoint, in.User)
	if n > 0 {
		a.wrote(ctx, in.Endpoint)
	}
	if err != nil {
		return nil, err
	}
	return answer(wire.Deleted{Deleted: n}), nil
}

func pairOf(p understudy.Pair) wire.Pair {
	w := wire.Pair{
		ID: p.ID, Endpoint: p.Endpoint, User: p.User, Request: p.Request, Answer: p.Answer, Source: string(p.Source), ModelID: p.ModelID,
		Reason: string(p.Reason), TeacherPair: p.TeacherPair, Split: string(p.Split), Fingerprint: p.Fingerprint,
		TokensIn: p.TokensIn, TokensOut: p.TokensOut, Counted: p.Counted, LatencyMs: ms(p.Latency), FirstTokenMs: ms(p.FirstToken),
		CostUSD: p.CostUSD, Complete: p.Complete, ShadowID: p.TeacherPair, CreatedAt: p.CreatedAt,
	}
	if !json.Valid(p.Request) { // whatever it is, the list is JSON
		w.Request = string(p.Request)
	}
	if len(p.Answer.ToolCalls) > 0 && !json.Valid(p.Answer.ToolCalls) {
		w.Answer.ToolCalls = nil
	}
	return w
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
