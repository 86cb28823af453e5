package api

import (
	"context"

	"understudy.dev/evaluator"
)

type scoreRequest struct {
	Pairs []evaluator.Pair `json:"pairs"`
}

type scoreResponse struct {
	Model  string            `json:"model"`
	Scores []evaluator.Score `json:"scores"`
}

func (a *API) score(ctx context.Context, q scoreRequest) (scoreResponse, error) {
	if err := limit("pairs", q.Pairs); err != nil {
		return scoreResponse{}, err
	}
	seen := make(map[string]int, len(q.Pairs))
	for i, p := range q.Pairs {
		if p.ID == "" {
			return scoreResponse{}, refuse("pairs[%d] has no id; scores are told apart by it.", i)
		}
		if first, twice := seen[p.ID]; twice {
			return scoreResponse{}, refuse("pairs[%d] and pairs[%d] have the same id %q; scores are told apart by it.", first, i, p.ID)
		}
		seen[p.ID] = i
	}
	m := a.model.Load()
	if m == nil {
		return scoreResponse{}, errLoading
	}
	scores, err := evaluator.Compare(ctx, m.embedder, q.Pairs)
	return scoreResponse{Model: m.name, Scores: scores}, err
}

type embedRequest struct {
	Texts []string `json:"texts"`
}

type embedResponse struct {
	Model      string      `json:"model"`
	Dimensions int         `json:"dimensions"`
	Embeddings [][]float32 `json:"embeddings"`
}

func (a *API) embed(ctx context.Context, q embedRequest) (embedResponse, error) {
	if err := limit("texts", q.Texts); err != nil {
		return embedResponse{}, err
	}
	m := a.model.Load()
	if m == nil {
		return embedResponse{}, errLoading
	}
	vectors, err := m.embedder.Embed(ctx, q.Texts)
	if err != nil {
		return embedResponse{}, err
	}
	return embedResponse{Model: m.name, Dimensions: m.embedder.Dimensions(), Embeddings: vectors}, nil
}
