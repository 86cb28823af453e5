// Package evaluatorclient speaks to the evaluator, see ci/contract/evaluator.json.
package evaluatorclient

import (
	"context"
	"net/http"
	"slices"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/call"
	"understudy.dev/service/env"
)

// MaxBatch is the most pairs or texts that one request may hold.
const MaxBatch = 100

// Client is safe for concurrent use.
type Client struct {
	service call.Service
	batch   int
}

// New returns a client that sends at most batch pairs or texts a request, and
// never more than MaxBatch.
func New(baseURL string, token env.Secret, batch int) *Client {
	return &Client{
		// a hundred long texts take minutes without native libraries
		service: call.Service{Name: "the evaluator", URL: baseURL, Token: token, Timeout: 5 * time.Minute},
		batch:   max(1, min(batch, MaxBatch)),
	}
}

// Score compares each pair of answers; the result is in the order of pairs.
func (c *Client) Score(ctx context.Context, pairs []understudy.Comparison) ([]understudy.Likeness, error) {
	type pair struct {
		ID       string `json:"id"`
		Expected string `json:"expected"`
		Actual   string `json:"actual"`
	}
	var all []understudy.Likeness
	for chunk := range slices.Chunk(pairs, c.batch) {
		in := struct {
			Pairs []pair `json:"pairs"`
		}{}
		for _, p := range chunk {
			in.Pairs = append(in.Pairs, pair(p))
		}
		var out struct {
			Scores []struct {
				ID         string  `json:"id"`
				Similarity float64 `json:"similarity"`
				Exact      bool    `json:"exact"`
			} `json:"scores"`
		}
		if err := c.service.JSON(ctx, http.MethodPost, "/v1/score", in, &out); err != nil {
			return nil, err
		}
		if len(out.Scores) != len(chunk) {
			return nil, understudy.Errorf(understudy.Unavailable, "the evaluator scored %d of %d pairs", len(out.Scores), len(chunk))
		}
		for i, s := range out.Scores {
			if s.ID != chunk[i].ID {
				return nil, understudy.Errorf(understudy.Unavailable, "the evaluator scored pair %q where %q was asked", s.ID, chunk[i].ID)
			}
			all = append(all, understudy.Likeness{Similarity: s.Similarity, Exact: s.Exact})
		}
	}
	return all, nil
}

// Embed returns one unit vector a text, in order.
func (c *Client) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	var all [][]float32
	for chunk := range slices.Chunk(texts, c.batch) {
		in := struct {
			Texts []string `json:"texts"`
		}{chunk}
		var out struct {
			Embeddings [][]float32 `json:"embeddings"`
		}
		if err := c.service.JSON(ctx, http.MethodPost, "/v1/embed", in, &out); err != nil {
			return nil, err
		}
		if len(out.Embeddings) != len(chunk) {
			return nil, understudy.Errorf(understudy.Unavailable, "the evaluator embedded %d of %d texts", len(out.Embeddings), len(chunk))
		}
		all = append(all, out.Embeddings...)
	}
	return all, nil
}
