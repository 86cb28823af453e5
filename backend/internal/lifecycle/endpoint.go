package lifecycle

import (
	"context"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// endpoint looks at an endpoint: finishes its deletion, removes pairs that are
// too old, and starts a training when enough is new.
func (l *lead) endpoint(ctx context.Context, name string) (time.Duration, error) {
	e, err := l.DB.Endpoint(ctx, name)
	if understudy.CodeOf(err) == understudy.NotFound {
		l.memos.forget(endpointKey + name)
		return never, nil
	}
	if err != nil {
		return 0, err
	}
	l.memos.see(endpointKey+name, e.Generation)
	if e.DeletedAt != nil {
		return l.bury(ctx, e)
	}
	if more, err := l.prune(ctx, e); err != nil || more {
		return 0, err
	}
	return l.Survey, l.autoTrain(ctx, e)
}

// autoTrain creates a new version when the endpoint has enough pairs that are
// newer than its last version's, and none is being made.
func (l *lead) autoTrain(ctx context.Context, e understudy.Endpoint) error {
	if !e.AutoTrain {
		return nil
	}
	counters, err := l.DB.Counters(ctx, e.Name)
	if err != nil {
		return err
	}
	memo := l.memos.of(endpointKey + e.Name)
	if counters.Train < int64(e.MinTrainPairs) || counters.Eval < int64(e.MinEvalPairs) {
		return nil
	}
	models, err := l.DB.Models(ctx, understudy.ModelFilter{Endpoint: e.Name})
	if err != nil {
		return err
	}
	var after string
	for _, m := range models { // by version
		switch m.Phase {
		case understudy.Training, understudy.Downloading, understudy.LLMEvaluation:
			return nil
		}
		known := m.CreatedAt
		if m.DataFrozenAt != nil {
			known = *m.DataFrozenAt
		}
		after = firstID(known.Add(time.Millisecond))
	}
	if memo.counted == counters.Pairs {
		return nil // nothing new since it was not enough
	}
	train, _, err := l.DB.TeachingSince(ctx, e.Name, after)
	if err != nil {
		return err
	}
	_, eval, err := l.DB.TeachingSince(ctx, e.Name, "")
	if err != nil {
		return err
	}
	if train < int64(e.MinTrainPairs) || eval < int64(e.MinEvalPairs) {
		memo.counted = counters.Pairs
		return nil
	}
	m, err := l.DB.CreateModel(ctx, l.epoch, understudy.Model{Endpoint: e.Name, Base: e.Base, Hyperparameters: e.Hyperparameters})
	if permanent(err) {
		return nil // a person was faster
	}
	l.poke(modelKey + m.ID)
	return err
}

// firstID is the least UUIDv7 of a time (RFC 9562): pairs made later have
// greater ids.
func firstID(t time.Time) string {
	ms := fmt.Sprintf("%012x", max(t.UnixMilli(), 0))
	return ms[:8] + "-" + ms[8:] + "-7000-8000-000000000000"
}

const (
	pruneEvery = time.Hour
	pruneBatch = 1000
)

// prune deletes a batch of pairs that are older than the endpoint keeps them.
// It returns true when there may be more.
func (l *lead) prune(ctx context.Context, e understudy.Endpoint) (bool, error) {
	memo, now := l.memos.of(endpointKey+e.Name), l.Now()
	if now.Sub(memo.pruned) < pruneEvery {
		return false, nil
	}
	if err := l.fence(ctx); err != nil {
		return false, err
	}
	n, err := l.DB.PrunePairs(ctx, e.Name, now.AddDate(0, 0, -e.RetentionDays), pruneBatch)
	if err != nil {
		return false, err
	}
	if n < pruneBatch {
		memo.pruned = now
	}
	return n == pruneBatch, nil
}
