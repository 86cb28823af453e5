package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	understudy "understudy.dev/backend"
)

// workers is how many looks, and so how many Helm actions, there are at once.
const workers = 4

// Keys of the work queue: a model's, an endpoint's, and two that survey.
const (
	modelKey    = "model/"
	endpointKey = "endpoint/"
	surveyKey   = "survey"
	sweepKey    = "sweep"
)

// never is a wait that only a wake-up ends.
const never = time.Duration(-1)

type queue = workqueue.TypedRateLimitingInterface[string]

// run works until ctx ends or another leader has come.
func (l *lead) run(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A key is never worked on by two workers at once, and a key that is added
	// meanwhile is worked on again.
	q := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](200*time.Millisecond, 10*time.Second))
	l.poke = func(key string) { q.Add(key) }
	slog.Info("lifecycle leads", "epoch", l.epoch)
	defer slog.Info("lifecycle has stopped leading", "epoch", l.epoch)

	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for l.work(ctx, q, cancel) {
			}
		})
	}
	group.Go(func() { l.listen(ctx, q) })
	q.Add(surveyKey)
	q.Add(sweepKey)
	<-ctx.Done()
	q.ShutDown()
	group.Wait()
}

// listen turns wake-ups and changes of workloads into looks.
func (l *lead) listen(ctx context.Context, q queue) {
	var wakes <-chan string
	if l.Wakes != nil {
		wakes = l.Wakes(ctx)
	}
	changed := l.Runtime.Changed()
	for {
		select {
		case <-ctx.Done():
			return
		case name, ok := <-wakes:
			if !ok {
				wakes = nil
				continue
			}
			l.wake(ctx, q, name)
		case release := <-changed:
			models, err := l.DB.Models(ctx, understudy.ModelFilter{})
			if err != nil {
				continue // the next look comes anyway
			}
			for _, m := range models {
				if m.Release == release {
					q.Add(modelKey + m.ID)
				}
			}
		}
	}
}

// wake looks at a model, or at an endpoint and its models.
func (l *lead) wake(ctx context.Context, q queue, name string) {
	if len(name) == 36 && strings.Count(name, "-") == 4 { // a UUID; longer than any endpoint's name
		q.Add(modelKey + name)
		return
	}
	q.Add(endpointKey + name)
	models, err := l.DB.Models(ctx, understudy.ModelFilter{Endpoint: name})
	if err != nil {
		return
	}
	for _, m := range models {
		q.Add(modelKey + m.ID)
	}
}

// work does one look; it returns false when the queue is shut down.
func (l *lead) work(ctx context.Context, q queue, stop context.CancelCauseFunc) bool {
	key, down := q.Get()
	if down {
		return false
	}
	defer q.Done(key)
	if ctx.Err() != nil {
		return true
	}
	wait, err := l.look(ctx, q, key)
	switch {
	case err == nil && wait == never:
		q.Forget(key)
	case err == nil:
		q.Forget(key)
		q.AddAfter(key, wait)
	case ctx.Err() != nil:
	case errors.Is(err, understudy.ErrStale):
		if now, err := l.DB.Epoch(ctx); err == nil && now != l.epoch {
			stop(understudy.ErrStale) // another one leads
			return true
		}
		q.AddRateLimited(key) // the row has moved on: look again
	default:
		slog.Warn("lifecycle will look again", "key", key, "tries", q.NumRequeues(key)+1, "error", err)
		q.AddRateLimited(key)
	}
	return true
}

// look does what the key stands for and says when to look again.
func (l *lead) look(ctx context.Context, q queue, key string) (time.Duration, error) {
	switch {
	case key == surveyKey:
		return l.Survey, l.survey(ctx, q)
	case key == sweepKey:
		return l.Idle, l.sweep(ctx)
	case strings.HasPrefix(key, endpointKey):
		return l.endpoint(ctx, strings.TrimPrefix(key, endpointKey))
	default:
		return l.model(ctx, strings.TrimPrefix(key, modelKey))
	}
}

// survey finds what no wake-up told: new endpoints, and models that somebody
// else has written to. The first one of a leadership so looks at everything.
func (l *lead) survey(ctx context.Context, q queue) error {
	models, err := l.DB.Models(ctx, understudy.ModelFilter{})
	if err != nil {
		return err
	}
	for _, m := range models {
		if !l.memos.seen(modelKey+m.ID, m.Generation) {
			q.Add(modelKey + m.ID)
		}
	}
	live, err := l.DB.Endpoints(ctx)
	if err != nil {
		return err
	}
	deleted, err := l.DB.DeletedEndpoints(ctx)
	if err != nil {
		return err
	}
	for _, e := range append(live, deleted...) {
		if !l.memos.seen(endpointKey+e.Name, e.Generation) {
			q.Add(endpointKey + e.Name)
		}
	}
	return nil
}

// idle is the wait of what nothing is expected of, spread so that many do not
// come at once.
func (l *lead) idle() time.Duration {
	return l.Idle*3/4 + rand.N(l.Idle/2+1)
}
