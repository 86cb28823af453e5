// Package capture stores pairs beside the requests' path: a bounded queue,
// batches into the database, and a spool on disk for when that is away.
package capture

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/spool"
)

// Store is the database.
type Store interface {
	// InsertPairs stores all pairs or none; an id that is there is no error.
	InsertPairs(ctx context.Context, pairs []understudy.Pair) error
	// Ping returns nil if the database answers.
	Ping(ctx context.Context) error
}

// Sink keeps spooled records for other replicas when this one's disk goes.
type Sink interface {
	Spool(ctx context.Context, records [][]byte) error
	// DrainSpool gives what waits to f and forgets what f has accepted.
	DrainSpool(ctx context.Context, f func(records [][]byte) error) error
}

// Item is a pair still to be made: Pair runs off the request's path, once.
type Item struct {
	Bytes int // roughly what it holds in memory
	Pair  func() understudy.Pair
}

// Config of a Recorder; Store and Dir are required.
type Config struct {
	Store      Store
	Sink       Sink   // nil where Dir outlives the machine's restarts
	Dir        string // the spool's folder
	SpoolLimit int64  // bytes, default 1 GiB
	QueueItems int    // default 4096
	QueueBytes int64  // default 64 MiB
	Metrics    prometheus.Registerer
	Logger     *slog.Logger
}

// How long a pair may be held only in memory: a batch is due some time after
// its first pair, and goes to the spool after window where the database is
// still busy then. An insert that takes longer than slowInsert is spooled as
// well.
const (
	due        = 40 * time.Millisecond
	window     = 50 * time.Millisecond
	slowInsert = 250 * time.Millisecond
	batchRows  = 500
	batchBytes = 8 << 20
)

// Recorder takes pairs from New until Close.
type Recorder struct {
	cfg   Config
	spool *spool.Spool
	meter *meter
	log   *slog.Logger

	closing sync.RWMutex // held for reading while an item is queued
	closed  bool
	queue   chan Item
	waiting atomic.Int64 // bytes in queue
	end     chan struct{}

	batches   chan batch
	collected chan struct{} // the collector has ended
	stored    chan struct{} // the storer has ended
	ctx       context.Context
	cancel    context.CancelFunc

	away     atomic.Bool  // the database did not answer last time
	inserted atomic.Int64 // rows that went in, for telling a bad row from a bad time
	suspects map[string]int64
	refusals int          // rows refused in a row by the sifting that runs
	warned   atomic.Int64 // when the last warning about lost pairs was, Unix seconds
}

// New opens the spool and starts recording.
func New(cfg Config) (*Recorder, error) {
	if cfg.SpoolLimit <= 0 {
		cfg.SpoolLimit = 1 << 30
	}
	if cfg.QueueItems <= 0 {
		cfg.QueueItems = 4096
	}
	if cfg.QueueBytes <= 0 {
		cfg.QueueBytes = 64 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := spool.Open(cfg.Dir, cfg.SpoolLimit)
	if err != nil {
		return nil, err
	}
	r := &Recorder{
		cfg: cfg, spool: s, log: cfg.Logger,
		queue: make(chan Item, cfg.QueueItems), end: make(chan struct{}),
		batches: make(chan batch), collected: make(chan struct{}), stored: make(chan struct{}),
		suspects: map[string]int64{},
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.meter = newMeter(cfg.Metrics, func() float64 { return float64(len(r.queue)) }, func() float64 { return float64(s.Size()) })
	go r.collect()
	go r.storeBatches()
	return r, nil
}

// Submit takes an item. It never waits for the database: with the queue full,
// or after Close, the pair is written to the spool by the caller.
func (r *Recorder) Submit(it Item) {
	r.closing.RLock()
	if !r.closed && r.waiting.Load() < r.cfg.QueueBytes {
		select {
		case r.queue <- it:
			r.waiting.Add(int64(it.Bytes))
			r.closing.RUnlock()
			return
		default:
		}
	}
	r.closing.RUnlock()
	r.keep([]understudy.Pair{it.Pair()})
}

// Spooled returns how many bytes wait on disk for the database.
func (r *Recorder) Spooled() int64 { return r.spool.Size() }

// Close stores what is queued: in the database, else in the spool, and what the
// database has not taken in half of ctx's time in the sink. It never leaves
// out the disk, whenever ctx ends.
func (r *Recorder) Close(ctx context.Context) error {
	r.closing.Lock()
	was := r.closed
	r.closed = true
	r.closing.Unlock()
	if was {
		return nil
	}
	forDB, cancel := half(ctx)
	defer cancel()
	stop := context.AfterFunc(forDB, r.cancel) // running inserts end with it
	defer stop()
	close(r.end)
	<-r.collected
	close(r.batches)
	select {
	case <-r.stored:
	case <-forDB.Done(): // a store that does not heed its context; its batch is spooled
	}
	r.handOver(forDB, ctx)
	r.cancel()
	return r.spool.Close()
}

// half is a context for the first half of what is left of ctx's time.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithTimeout(ctx, time.Until(end)/2)
	}
	return context.WithCancel(ctx)
}
