package hugot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/knights-analytics/hugot/backends"
	"golang.org/x/sync/errgroup"
)

// job is one distinct text that has no vector yet.
type job struct {
	key   [sha256.Size]byte
	input backends.TokenizedInput
}

// Embed returns a vector of length one for each text, in order; an empty text
// has one too. Texts are cut to 256 word pieces, and each distinct one is
// computed once and remembered. The vectors are shared: read only. It ends with
// ctx's error between two batches at the latest.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	keys := make([][sha256.Size]byte, len(texts))
	vectors := make(map[[sha256.Size]byte][]float32, len(texts))
	var jobs []job
	for i, text := range texts {
		text = beginning(text)
		keys[i] = keyOf(text)
		if _, known := vectors[keys[i]]; known {
			continue
		}
		if v, ok := m.cache.Get(keys[i]); ok {
			vectors[keys[i]] = v
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		vectors[keys[i]] = nil
		jobs = append(jobs, job{keys[i], m.tokenize(text)})
	}
	// Neighbours in length share a batch, so that little of it is padding.
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(len(a.input.TokenIDs), len(b.input.TokenIDs)) })
	computed := make([][]float32, len(jobs))
	group, ctx := errgroup.WithContext(ctx)
	for at := 0; at < len(jobs); {
		size := batchSize(len(jobs) - at)
		part, into := jobs[at:at+size], computed[at:at+size]
		at += size
		select {
		case <-ctx.Done():
		case m.slots <- struct{}{}:
			group.Go(func() error {
				defer func() { <-m.slots }()
				return m.run(ctx, part, into)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil && slices.ContainsFunc(computed, func(v []float32) bool { return v == nil }) {
		return nil, err
	}
	for i, j := range jobs {
		m.cache.Add(j.key, computed[i])
		vectors[j.key] = computed[i]
	}
	out := make([][]float32, len(texts))
	for i, key := range keys {
		out[i] = vectors[key]
	}
	return out, nil
}

func keyOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// run computes one batch.
func (m *Model) run(ctx context.Context, jobs []job, into [][]float32) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("run the model: %v", r)
		}
	}()
	batch := backends.NewBatch(len(jobs))
	for _, j := range jobs {
		batch.Input = append(batch.Input, j.input)
		batch.MaxSequenceLength = max(batch.MaxSequenceLength, len(j.input.TokenIDs))
	}
	if err := backends.CreateInputTensors(batch, m.pipeline.Model, m.pipeline.Runtime); err != nil {
		return fmt.Errorf("make the model's input: %w", err)
	}
	defer func() {
		if e := batch.Destroy(); err == nil && e != nil {
			err = fmt.Errorf("free the model's input: %w", e)
		}
	}()
	rows, err := m.forward(batch)
	if err != nil {
		return fmt.Errorf("run the model: %w", err)
	}
	copy(into, rows)
	return nil
}
