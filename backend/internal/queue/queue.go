// Package queue says "look now" over Redis: a stream of wake-ups for the
// leader, a channel of changes for every replica, and two places where a
// replica leaves what must outlive it: the last snapshot and a spool.
//
// Losing any of the messages costs seconds, never work. Streams are read with
// plain XREAD: this client cannot parse what newer servers answer to XINFO and
// XAUTOCLAIM.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis/v8"
)

// Keys in Redis.
const (
	wakeStream     = "understudy:wake"
	changedChannel = "understudy:changed"
	snapshotKey    = "understudy:snapshot"
	spoolStream    = "understudy:spool"

	wakeLength = 10_000 // about; older wake-ups are dropped
)

// What the client library would print is in the errors that it returns.
func init() { redis.SetLogger(silent{}) }

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Queue is safe for concurrent use.
type Queue struct {
	redis *redis.Client
	away  atomic.Bool
}

// Open returns a Queue for redis://[user:password@]host:port[/db]. It does not
// connect: Redis may come later, and go.
func Open(url string) (*Queue, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		// The URL may hold a password: it stays out of the message.
		return nil, errors.New("REDIS_URL is not a redis:// URL")
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	options.MaxRetries = 1
	return &Queue{redis: redis.NewClient(options)}, nil
}

// Close ends all connections.
func (q *Queue) Close() error { return q.redis.Close() }

// note logs an outage once, when it begins, and its end.
func (q *Queue) note(err error) error {
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		if q.away.CompareAndSwap(true, false) {
			slog.Info("Redis answers again")
		}
	case errors.Is(err, context.Canceled), errors.Is(err, redis.ErrClosed), errors.Is(err, net.ErrClosed):
		// Our own end.
	case q.away.CompareAndSwap(false, true):
		slog.Warn("Redis does not answer; work goes on by polling", "error", err)
	}
	return err
}

// Wake asks the leader to look at a model or endpoint now.
func (q *Queue) Wake(ctx context.Context, name string) error {
	err := q.redis.XAdd(ctx, &redis.XAddArgs{Stream: wakeStream, MaxLen: wakeLength, Approx: true, Values: map[string]any{"name": name}}).Err()
	if q.note(err) != nil {
		return fmt.Errorf("wake the lifecycle: %w", err)
	}
	return nil
}

// Changed tells every replica that the routes changed.
func (q *Queue) Changed(ctx context.Context) error {
	if err := q.note(q.redis.Publish(ctx, changedChannel, "").Err()); err != nil {
		return fmt.Errorf("announce a change: %w", err)
	}
	return nil
}

// pause is between tries to reach Redis.
const pause = time.Second

// wait returns false when ctx ended meanwhile.
func wait(ctx context.Context) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
