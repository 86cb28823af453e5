package proxy

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Why a request was not let in.
var (
	ErrFull = errors.New("all slots are busy and the queue is full")
	ErrLate = errors.New("no slot became free in time")
)

// gate lets slots requests run and queue more wait, in the order they came.
// llama-server itself would take any number and let all of them wait.
type gate struct {
	slots    chan struct{}
	queue    int64
	patience time.Duration
	waiting  atomic.Int64
}

func newGate(slots, queue int, patience time.Duration) *gate {
	return &gate{slots: make(chan struct{}, slots), queue: int64(queue), patience: patience}
}

// enter waits for a slot; the caller calls leave after nil. It returns ErrFull
// at once, ErrLate after patience, and ctx's error when the client went.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}
	if g.waiting.Add(1) > g.queue {
		g.waiting.Add(-1)
		return ErrFull
	}
	defer g.waiting.Add(-1)
	late := time.NewTimer(g.patience)
	defer late.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-late.C:
		return ErrLate
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *gate) leave() { <-g.slots }
