package queue

import (
	"context"
	"errors"
	"time"

	"github.com/go-redis/redis/v8"
)

// block is how long one XREAD waits.
const block = time.Second

// Wakes returns the names that Wake is called with from now on. It reconnects
// by itself; the channel is closed when ctx ends.
func (q *Queue) Wakes(ctx context.Context) <-chan string {
	out := make(chan string, 64)
	last := q.newest(ctx)
	go func() {
		defer close(out)
		for ctx.Err() == nil {
			if last == "" {
				last = q.newest(ctx)
			}
			if last == "" {
				wait(ctx)
				continue
			}
			// A connection that died silently is given up soon.
			read, cancel := context.WithTimeout(ctx, 2*block)
			streams, err := q.redis.XRead(read, &redis.XReadArgs{Streams: []string{wakeStream, last}, Count: 100, Block: block}).Result()
			cancel()
			if q.note(err) != nil && !errors.Is(err, redis.Nil) {
				if !wait(ctx) {
					return
				}
				continue
			}
			for _, s := range streams {
				for _, m := range s.Messages {
					last = m.ID
					name, _ := m.Values["name"].(string)
					select {
					case out <- name:
					case <-ctx.Done():
						return
					}
				}
			}
		}
	}()
	return out
}

// newest returns the id of the last wake-up, "" while Redis is away. Unlike
// "$" it stays the same between two reads, so that nothing falls between them.
func (q *Queue) newest(ctx context.Context) string {
	list, err := q.redis.XRevRangeN(ctx, wakeStream, "+", "-", 1).Result()
	switch {
	case q.note(err) != nil:
		return ""
	case len(list) == 0:
		return "0-0"
	}
	return list[0].ID
}

// Changes returns a channel that receives after Changed was called by anybody,
// several calls becoming one, and after a reconnection, when some may have been
// missed. It is never closed; after ctx's end nothing comes.
func (q *Queue) Changes(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	tell := func() {
		select {
		case out <- struct{}{}:
		default:
		}
	}
	go func() {
		for ctx.Err() == nil {
			q.follow(ctx, tell)
			wait(ctx)
		}
	}()
	return out
}

// follow subscribes and tells of every message until the connection breaks.
func (q *Queue) follow(ctx context.Context, tell func()) {
	sub := q.redis.Subscribe(ctx, changedChannel)
	defer sub.Close()
	for {
		// A subscription's own confirmation comes first, and tells too.
		message, err := sub.ReceiveTimeout(ctx, block)
		if ctx.Err() != nil {
			return
		}
		var quiet interface{ Timeout() bool }
		if errors.As(err, &quiet) && quiet.Timeout() {
			// Nothing came, or the other end is gone without a word: a ping tells.
			if q.note(sub.Ping(ctx)) != nil {
				return
			}
			continue
		}
		if q.note(err) != nil {
			return
		}
		if _, pong := message.(*redis.Pong); !pong {
			tell()
		}
	}
}
