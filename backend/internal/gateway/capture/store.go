package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	understudy "understudy.dev/backend"
)

const (
	insertTimeout = 10 * time.Second
	retryFirst    = 200 * time.Millisecond
	retryLast     = 2 * time.Second
	drainEvery    = 30 * time.Second
)

// storeBatches is the one goroutine that writes to the database: new batches,
// and between them what waits in the spool.
func (r *Recorder) storeBatches() {
	defer close(r.stored)
	pause := retryFirst
	timer := time.NewTimer(0)
	drained := time.Time{}
	for {
		select {
		case b, ok := <-r.batches:
			if !ok {
				return
			}
			r.insert(b)
		case <-timer.C:
			switch err := r.catchUp(&drained); {
			case err != nil:
				pause = min(2*pause, retryLast)
			default:
				pause = retryFirst
			}
			timer.Reset(pause)
		}
	}
}

// insert stores a batch, or spools it.
func (r *Recorder) insert(b batch) {
	var kept atomic.Bool // in the spool
	slow := time.AfterFunc(slowInsert, func() {
		if kept.CompareAndSwap(false, true) {
			r.keep(b.pairs)
			r.sync()
		}
	})
	err := r.put(b.pairs)
	slow.Stop()
	if err == nil {
		r.back()
		return
	}
	if kept.CompareAndSwap(false, true) {
		r.keep(b.pairs)
		r.sync()
	}
	r.lost(err)
}

// put inserts pairs and counts them.
func (r *Recorder) put(pairs []understudy.Pair) error {
	ctx, cancel := context.WithTimeout(r.ctx, insertTimeout)
	defer cancel()
	if err := r.cfg.Store.InsertPairs(ctx, pairs); err != nil {
		return err
	}
	r.inserted.Add(int64(len(pairs)))
	r.meter.stored.Add(float64(len(pairs)))
	return nil
}

// lost notes that an insert failed. Only a database that does not answer
// counts as away: one that answers may have met a row that it cannot take.
func (r *Recorder) lost(err error) {
	r.meter.refused.Inc()
	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	if r.cfg.Store.Ping(ctx) == nil {
		r.warn("capture: the database refused a batch; it waits in the spool", err)
		return
	}
	if !r.away.Swap(true) {
		r.log.Warn("capture: the database is away; pairs go to the spool", "error", err)
	}
}

func (r *Recorder) back() {
	if r.away.Swap(false) {
		r.log.Info("capture: the database is back", "spoolBytes", r.spool.Size())
	}
}

// catchUp replays what waits, live batches first. It returns an error when the
// database did not take it.
func (r *Recorder) catchUp(drained *time.Time) error {
	for r.spool.Size() > 0 {
		done, err := r.spool.Replay(batchRows, func(records [][]byte) error {
			select {
			case b, ok := <-r.batches:
				if !ok {
					return errEnding
				}
				r.insert(b)
			default:
			}
			return r.replay(records)
		})
		if done.Damaged > 0 || done.Torn > 0 {
			r.log.Warn("capture: a spool segment was damaged", "recordsLost", done.Damaged, "bytesTorn", done.Torn)
		}
		if err != nil {
			return err
		}
	}
	if r.away.Load() {
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		if err := r.cfg.Store.Ping(ctx); err != nil {
			return err
		}
		r.back()
	}
	if r.cfg.Sink != nil && time.Since(*drained) > drainEvery {
		*drained = time.Now()
		if err := r.cfg.Sink.DrainSpool(r.ctx, r.replay); err != nil && r.ctx.Err() == nil {
			r.log.Debug("capture: the shared spool could not be drained", "error", err)
		}
	}
	return nil
}

var errEnding = errors.New("the recorder is closing")

// replay stores spooled records. A record that the database refuses while it
// takes others is set aside, so that it does not hold up those behind it.
func (r *Recorder) replay(records [][]byte) error {
	pairs := make([]understudy.Pair, 0, len(records))
	for _, raw := range records {
		var p understudy.Pair
		if err := json.Unmarshal(raw, &p); err != nil || p.ID == "" {
			r.reject(raw, fmt.Errorf("the record is no pair: %v", err))
			continue
		}
		pairs = append(pairs, p)
	}
	r.refusals = 0
	err := r.sift(pairs)
	if err != nil {
		r.lost(err)
		return err
	}
	r.back()
	return nil
}
