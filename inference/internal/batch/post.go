package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// post sends answers in chunks until the channel is closed; what has come by
// then is sent even when ctx ended meanwhile.
func (r *Runner) post(ctx context.Context, answers <-chan Answer) error {
	tick := time.NewTicker(r.PostEvery)
	defer tick.Stop()
	var chunk []Answer
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		part := chunk[:min(len(chunk), MaxAnswers)]
		sending, cancel := ctx, context.CancelFunc(func() {})
		if ctx.Err() != nil { // a last try, short: we were told to end
			sending, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		}
		defer cancel()
		_, err := retry(sending, r, "post", func() (struct{}, error) { return struct{}{}, r.Backend.Answers(sending, part) })
		if err == nil {
			r.posted += len(part)
			r.Log.Info("answers posted", "count", len(part), "sum", r.posted)
			chunk = chunk[len(part):]
		}
		return err
	}
	for {
		select {
		case a, more := <-answers:
			if !more {
				for len(chunk) > 0 {
					if err := flush(); err != nil {
						return err
					}
				}
				return nil
			}
			if chunk = append(chunk, a); len(chunk) < MaxAnswers {
				continue
			}
		case <-tick.C:
		}
		if err := flush(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// retry repeats what the network or a restarting backend broke, for at most
// r.Patience; a refusal that a repetition would repeat is returned at once.
func retry[T any](ctx context.Context, r *Runner, what string, f func() (T, error)) (T, error) {
	pause := &backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, Multiplier: 2, MaxInterval: 10 * time.Second, RandomizationFactor: 0.2}
	v, err := backoff.Retry(ctx, func() (T, error) {
		v, err := f()
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.hopeless() {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(r.Patience), backoff.WithNotify(func(err error, next time.Duration) {
		r.Log.Warn("backend is asked again", "what", what, "error", err, "pause", next)
	}))
	if err != nil && ctx.Err() != nil {
		return v, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	return v, err
}
