// Package leader decides which replica runs the lifecycle.
package leader

import (
	"context"
	"time"
)

// Alone is the leader of a platform that has one replica: always.
type Alone struct {
	// Pause before leading again after lead returned by itself; 1 s where zero.
	Pause time.Duration
}

// Run implements understudy.Leader.
func (a Alone) Run(ctx context.Context, lead func(context.Context)) error {
	pause := a.Pause
	if pause == 0 {
		pause = time.Second
	}
	for ctx.Err() == nil {
		lead(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return ctx.Err()
}
