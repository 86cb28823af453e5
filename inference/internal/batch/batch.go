// Package batch answers a model's evaluation prompts and posts the answers.
// It keeps no state: the backend lists only what has no answer, so a run that
// was killed goes on where it was.
package batch

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// MaxAnswers is the most that one post carries (ci/contract/batch.json).
const MaxAnswers = 100

// Runner answers what a backend lists.
type Runner struct {
	Backend     *Backend
	Await       func(context.Context) (string, error) // the model server's base URL once it is ready
	Adapter     bool                                  // there is one to switch off for the base variant
	Slots       int                                   // prompts answered at the same time
	Page        int                                   // prompts fetched at once
	PostEvery   time.Duration
	RequestTime time.Duration // for each try at a prompt; a prompt that takes longer is not tried again
	Tries       int           // at a prompt that the server broke on
	Patience    time.Duration // with a backend that does not answer
	Log         *slog.Logger

	client *http.Client
	turn   sync.RWMutex // read: answering beside others; write: alone
	posted int
}

// Run returns nil when the backend says that nothing remains.
func (r *Runner) Run(ctx context.Context) error {
	// No kept connections: llama.cpp closes them without a word.
	r.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for before := -1; ; {
		prompts, remaining, err := r.list(ctx)
		if err != nil {
			return err
		}
		if remaining == 0 {
			r.Log.Info("every prompt is answered", "posted", r.posted)
			return nil
		}
		if len(prompts) == 0 || remaining == before {
			return fmt.Errorf("the backend still waits for %d answers although all that it lists were posted", remaining)
		}
		before = remaining
		if err := r.answer(ctx, prompts); err != nil {
			return err
		}
	}
}

// list returns every prompt without an answer, those for the tuned model
// first: llama.cpp does not batch requests with different lora settings
// together, so mixing the variants would cost most of the parallelism.
func (r *Runner) list(ctx context.Context) (all []Prompt, remaining int, err error) {
	for after := int64(0); ; {
		page, err := retry(ctx, r, "fetch prompts", func() (Page, error) { return r.Backend.Prompts(ctx, after, r.Page) })
		if err != nil {
			return nil, 0, err
		}
		remaining = page.Remaining
		all = append(all, page.Items...)
		if len(page.Items) == 0 || page.Next <= after {
			break
		}
		after = page.Next
	}
	slices.SortStableFunc(all, func(a, b Prompt) int { return rank(a) - rank(b) })
	return all, remaining, nil
}

func rank(p Prompt) int {
	if p.Variant == Base {
		return 1
	}
	return 0
}

func (r *Runner) answer(ctx context.Context, prompts []Prompt) error {
	answers := make(chan Answer, MaxAnswers)
	todo := make(chan Prompt)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.post(ctx, answers) })
	all.Go(func() error {
		defer close(todo)
		for _, p := range prompts {
			select {
			case todo <- p:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	all.Go(func() error {
		defer close(answers)
		workers, ctx := errgroup.WithContext(ctx)
		for range max(r.Slots, 1) {
			workers.Go(func() error {
				for p := range todo {
					a, err := r.ask(ctx, p)
					if err != nil {
						return err
					}
					select {
					case answers <- a:
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				return nil
			})
		}
		return workers.Wait()
	})
	return all.Wait()
}
