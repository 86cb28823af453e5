package capture

import (
	"encoding/json"
	"errors"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/spool"
)

type batch struct {
	pairs []understudy.Pair
	bytes int
}

// collect makes pairs of items and batches of pairs. A batch is offered to the
// storer; one that nobody takes in time goes to the spool.
func (r *Recorder) collect() {
	defer close(r.collected)
	var b batch
	timer := time.NewTimer(time.Hour)
	late := false
	sync := time.NewTicker(window) // for what Submit spooled by itself
	defer sync.Stop()
	add := func(it Item) {
		r.waiting.Add(-int64(it.Bytes))
		if len(b.pairs) == 0 {
			b.pairs = make([]understudy.Pair, 0, 64)
			timer.Reset(due)
		}
		b.pairs, b.bytes = append(b.pairs, it.Pair()), b.bytes+it.Bytes
	}
	spoolBatch := func() {
		r.keep(b.pairs)
		r.sync()
		b, late = batch{}, false
	}
	for {
		full := len(b.pairs) >= batchRows || b.bytes >= batchBytes
		in, out := r.queue, r.batches
		if full {
			in = nil
		}
		if len(b.pairs) == 0 || !late && !full {
			out = nil
		}
		if out != nil && r.away.Load() {
			spoolBatch()
			continue
		}
		select {
		case it := <-in:
			add(it)
		case out <- b:
			b, late = batch{}, false
		case <-timer.C:
			if len(b.pairs) == 0 {
				continue
			}
			if late {
				spoolBatch()
				continue
			}
			late = true
			timer.Reset(window - due)
		case <-sync.C:
			r.sync()
		case <-r.end:
			r.finish(add, func() batch { last := b; b = batch{}; return last })
			return
		}
	}
}

// finish empties the queue after the last Submit and offers the rest to the
// storer until the recorder's time is up.
func (r *Recorder) finish(add func(Item), take func() batch) {
	for more := true; more; {
		n := 0
		for more = false; n < batchRows; n++ {
			select {
			case it := <-r.queue:
				add(it)
				more = true
				continue
			default:
			}
			break
		}
		b := take()
		if len(b.pairs) == 0 {
			continue
		}
		if !r.away.Load() {
			select {
			case r.batches <- b:
				continue
			case <-r.ctx.Done():
			}
		}
		r.keep(b.pairs)
	}
	r.sync()
}

// keep writes pairs to the spool, or counts them as lost.
func (r *Recorder) keep(pairs []understudy.Pair) {
	records := make([][]byte, 0, len(pairs))
	for _, p := range pairs {
		raw, err := json.Marshal(p)
		if err != nil {
			r.lose(1, "encode", err)
			continue
		}
		records = append(records, raw)
	}
	if err := r.spool.Append(records...); err != nil {
		cause := "disk"
		if errors.Is(err, spool.ErrFull) {
			cause = "spool_full"
		}
		r.lose(len(records), cause, err)
		return
	}
	r.meter.spooled.Add(float64(len(records)))
}

func (r *Recorder) sync() {
	if err := r.spool.Sync(); err != nil {
		r.warn("capture: the spool could not be synced", err)
	}
}

// lose counts pairs that could be stored nowhere. Requests go on.
func (r *Recorder) lose(n int, cause string, err error) {
	r.meter.dropped.WithLabelValues(cause).Add(float64(n))
	r.warn("capture: pairs are lost: make room on the disk or bring the database back", err)
}

// warn logs at most once a minute.
func (r *Recorder) warn(message string, err error) {
	now, last := time.Now().Unix(), r.warned.Load()
	if now-last >= 60 && r.warned.CompareAndSwap(last, now) {
		r.log.Warn(message, "error", err, "spoolBytes", r.spool.Size())
	}
}
