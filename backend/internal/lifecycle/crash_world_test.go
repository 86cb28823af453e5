package lifecycle

import (
	"context"
	"errors"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
)

var errCrash = errors.New("the process was killed")

// crasher kills the process right after one act that changes something, before
// it can know of the outcome: every later act of the same process fails.
type crasher struct {
	acts int // so far
	at   int // 0 = never
	dead bool
}

// act does f unless the process is dead, and dies where it should.
func (c *crasher) act(f func() error) error {
	if c.dead {
		return errCrash
	}
	c.acts++
	if c.acts == c.at {
		c.dead = true
		if err := f(); err != nil {
			return err
		}
		return errCrash
	}
	return f()
}

func do[T any](c *crasher, f func() (T, error)) (out T, err error) {
	err = c.act(func() (err error) {
		out, err = f()
		return err
	})
	return out, err
}

type crashingStore struct {
	*database.DB
	c *crasher
}

func (s crashingStore) Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, f func(*understudy.Model)) (understudy.Model, error) {
	return do(s.c, func() (understudy.Model, error) { return s.DB.Move(ctx, epoch, m, t, f) })
}

func (s crashingStore) Save(ctx context.Context, epoch int64, m understudy.Model, f func(*understudy.Model)) (understudy.Model, error) {
	return do(s.c, func() (understudy.Model, error) { return s.DB.Save(ctx, epoch, m, f) })
}

func (s crashingStore) CutOver(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error) {
	return do(s.c, func() (understudy.Model, error) { return s.DB.CutOver(ctx, epoch, m) })
}

func (s crashingStore) TakeStage(ctx context.Context, epoch int64, m understudy.Model, most int) (next understudy.Model, ok bool, err error) {
	err = s.c.act(func() (err error) {
		next, ok, err = s.DB.TakeStage(ctx, epoch, m, most)
		return err
	})
	return next, ok, err
}

func (s crashingStore) Freeze(ctx context.Context, epoch int64, m understudy.Model, size understudy.DataSize, tools bool, mode understudy.FingerprintMode) (understudy.Model, error) {
	return do(s.c, func() (understudy.Model, error) { return s.DB.Freeze(ctx, epoch, m, size, tools, mode) })
}

func (s crashingStore) StartEvaluation(ctx context.Context, epoch int64, id string, attempt, sample int) error {
	return s.c.act(func() error { return s.DB.StartEvaluation(ctx, epoch, id, attempt, sample) })
}

func (s crashingStore) PutScores(ctx context.Context, id string, attempt int, a []understudy.EvalAnswer) error {
	return s.c.act(func() error { return s.DB.PutScores(ctx, id, attempt, a) })
}

func (s crashingStore) PutEvaluation(ctx context.Context, epoch int64, e understudy.Evaluation) error {
	return s.c.act(func() error { return s.DB.PutEvaluation(ctx, epoch, e) })
}

func (s crashingStore) PurgeEndpoint(ctx context.Context, epoch int64, name string) error {
	return s.c.act(func() error { return s.DB.PurgeEndpoint(ctx, epoch, name) })
}

type crashingReleases struct {
	*fakeStage
	c *crasher
}

func (r crashingReleases) Apply(ctx context.Context, release understudy.Release) (understudy.Applied, error) {
	return do(r.c, func() (understudy.Applied, error) { return r.fakeStage.Apply(ctx, release) })
}

func (r crashingReleases) Remove(ctx context.Context, name string) error {
	return r.c.act(func() error { return r.fakeStage.Remove(ctx, name) })
}

type crashingTrainer struct {
	Trainer
	c *crasher
}

func (t crashingTrainer) Put(ctx context.Context, o understudy.TrainingOrder) (understudy.TrainingJob, error) {
	return do(t.c, func() (understudy.TrainingJob, error) { return t.Trainer.Put(ctx, o) })
}

func (t crashingTrainer) Delete(ctx context.Context, id string) error {
	return t.c.act(func() error { return t.Trainer.Delete(ctx, id) })
}
