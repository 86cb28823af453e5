package httpapi

import (
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
	Search string `query:"search" doc:"Part of the request or the answer, letter case ignored"`
}

func (f PairFilter) of(endpoint string) understudy.PairFilter {
	return understudy.PairFilter{Endpoint: endpoint, Source: understudy.Source(f.Source), Split: understudy.Split(f.Split),
		Reason: understudy.Reason(f.Reason), User: f.User, Search: f.Search}
}

func (a *API) listPairs(ctx context.Context, in *struct {
	EndpointPath
	PageInput
	PairFilter
}) (*body[wire.Page[wire.Pair]], error) {
	if _, err := a.endpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	f := in.PairFilter.of(in.Endpoint)
	f.Before, f.Limit = in.Cursor, in.Limit
	pairs, next, err := a.DB.Pairs(ctx, f)
	if err != nil {
		return nil, err
	}
	page := wire.Page[wire.Pair]{Items: make([]wire.Pair, 0, len(pairs)), Next: next}
	for _, p := range pairs {
		page.Items = append(page.Items, pairOf(p))
	}
	return answer(page), nil
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
	return answer(pairOf(p)), nil
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
		CostUSD: p.CostUSD, Complete: p.Complete, CreatedAt: p.CreatedAt,
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
