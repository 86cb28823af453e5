package httpapi

import (
	"context"
	"sync"
)

// broadcast passes one channel's signals on to any number of listeners, each
// of which sees several as one.
type broadcast struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

func newBroadcast() *broadcast { return &broadcast{listeners: map[chan struct{}]bool{}} }

func (b *broadcast) join() (signals <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	}
}

func (b *broadcast) all() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// follow passes changes on until ctx ends or they do.
func (b *broadcast) follow(ctx context.Context, changes <-chan struct{}) {
	for {
		select {
		case _, ok := <-changes:
			if !ok {
				return
			}
			b.all()
		case <-ctx.Done():
			return
		}
	}
}
