package capture

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	understudy "understudy.dev/backend"
)

// maxRefusals ends a sifting that meets only refusals: then it is not the rows.
const maxRefusals = 8

// sift stores pairs, halving a batch that is refused until the rows that
// cannot be stored stand alone.
func (r *Recorder) sift(pairs []understudy.Pair) error {
	if len(pairs) == 0 {
		return nil
	}
	err := r.put(pairs)
	if err == nil {
		r.refusals = 0
		return nil
	}
	if r.refusals >= maxRefusals {
		return err
	}
	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	if r.cfg.Store.Ping(ctx) != nil {
		return err
	}
	if len(pairs) == 1 {
		r.refusals++
		return r.suspect(pairs[0], err)
	}
	half := len(pairs) / 2
	first := r.sift(pairs[:half])
	if second := r.sift(pairs[half:]); second != nil {
		return second
	}
	return first
}

// suspect sets a row aside if the database has taken others since it refused
// this one; until then it may be the database that is unwell.
func (r *Recorder) suspect(p understudy.Pair, err error) error {
	seen, again := r.suspects[p.ID]
	if !again {
		r.suspects[p.ID] = r.inserted.Load()
		return err
	}
	if r.inserted.Load() == seen {
		return err
	}
	delete(r.suspects, p.ID)
	raw, _ := json.Marshal(p)
	r.reject(raw, err)
	return nil
}

// reject writes a record that cannot be stored to rejected.jsonl beside the
// segments, for a person to look at.
func (r *Recorder) reject(raw []byte, cause error) {
	r.meter.dropped.WithLabelValues("rejected").Inc()
	name := filepath.Join(r.cfg.Dir, "rejected.jsonl")
	r.log.Error("capture: a pair cannot be stored and was set aside", "file", name, "error", cause)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(append(raw, '\n'))
		f.Close()
	}
	if err != nil {
		r.warn("capture: a pair could not be set aside", err)
	}
}

// handOver ends with an empty spool if it can: into the database, else into
// the sink.
func (r *Recorder) handOver(forDB, ctx context.Context) {
	for r.spool.Size() > 0 && !r.away.Load() && forDB.Err() == nil {
		if _, err := r.spool.Replay(batchRows, r.replay); err != nil {
			break
		}
	}
	if r.cfg.Sink == nil {
		return
	}
	for r.spool.Size() > 0 && ctx.Err() == nil {
		done, err := r.spool.Replay(batchRows, func(records [][]byte) error {
			return r.cfg.Sink.Spool(ctx, records)
		})
		if err != nil {
			r.log.Warn("capture: the spool stays on this disk", "error", err, "spoolBytes", r.spool.Size())
			return
		}
		r.log.Info("capture: pairs were handed to the shared spool", "pairs", done.Records)
	}
	if left := r.spool.Size(); left > 0 {
		r.log.Warn("capture: the spool stays on this disk", "error", ctx.Err(), "spoolBytes", left)
	}
}
