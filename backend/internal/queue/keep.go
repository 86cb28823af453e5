package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-redis/redis/v8"
)

// SaveSnapshot keeps the last routing snapshot for replicas that start while
// the database is away.
func (q *Queue) SaveSnapshot(ctx context.Context, snapshot []byte) error {
	if err := q.note(q.redis.Set(ctx, snapshotKey, snapshot, 0).Err()); err != nil {
		return fmt.Errorf("save the snapshot: %w", err)
	}
	return nil
}

// LoadSnapshot returns what SaveSnapshot kept, nil where there is none.
func (q *Queue) LoadSnapshot(ctx context.Context) ([]byte, error) {
	b, err := q.redis.Get(ctx, snapshotKey).Bytes()
	if errors.Is(q.note(err), redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load the snapshot: %w", err)
	}
	return b, nil
}

// Spool keeps records that the database could not take before this process
// ends.
func (q *Queue) Spool(ctx context.Context, records [][]byte) error {
	pipe := q.redis.Pipeline()
	for _, r := range records {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: spoolStream, Values: map[string]any{"record": r}})
	}
	_, err := pipe.Exec(ctx)
	if q.note(err) != nil {
		return fmt.Errorf("spool to Redis: %w", err)
	}
	return nil
}

const spoolBatch = 200

// DrainSpool hands spooled records to store, oldest first, and removes those
// that it took. Two replicas may hand over the same record: storing must be
// idempotent.
func (q *Queue) DrainSpool(ctx context.Context, store func(records [][]byte) error) error {
	for {
		messages, err := q.redis.XRangeN(ctx, spoolStream, "-", "+", spoolBatch).Result()
		if q.note(err) != nil {
			return fmt.Errorf("read the spool in Redis: %w", err)
		}
		if len(messages) == 0 {
			return nil
		}
		records, ids := make([][]byte, len(messages)), make([]string, len(messages))
		for i, m := range messages {
			record, _ := m.Values["record"].(string)
			records[i], ids[i] = []byte(record), m.ID
		}
		if err := store(records); err != nil {
			return err
		}
		if err := q.note(q.redis.XDel(ctx, spoolStream, ids...).Err()); err != nil {
			return fmt.Errorf("clear the spool in Redis: %w", err)
		}
	}
}
