package drive

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"understudy.dev/trainer"
)

// schedule starts queued jobs, the oldest first, as far as their providers
// have slots. d.mu is held.
func (d *Driver) schedule() {
	if d.ctx == nil {
		return
	}
	running := map[string]int{}
	var queued []*job
	for _, j := range d.jobs {
		switch {
		case j.cancel != nil:
			running[j.record.Spec.Provider]++
		case j.record.Job.State == trainer.Queued:
			queued = append(queued, j)
		}
	}
	slices.SortFunc(queued, func(a, b *job) int { return a.record.Job.CreatedAt.Compare(b.record.Job.CreatedAt) })
	for _, j := range queued {
		provider := j.record.Spec.Provider
		if running[provider] >= cmp.Or(d.Slots[provider], 1) {
			continue
		}
		running[provider]++
		now := time.Now().UTC()
		j.record.StartedAt = now
		_ = j.record.Job.Move(trainer.Provisioning, now)
		d.keep(&j.record)
		d.start(j.record.Job.ID, d.finish)
	}
}

// start gives a job a worker. d.mu is held.
func (d *Driver) start(id string, work func(context.Context, string)) {
	j := d.jobs[id]
	ctx, cancel := context.WithCancelCause(d.ctx)
	j.cancel, j.ended = cancel, make(chan struct{})
	d.work.Go(func() {
		work(ctx, id)
		cancel(nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		j.cancel = nil
		close(j.ended)
		d.schedule()
	})
}

// Delete cancels a job that is not finished, and removes a finished one with
// the artefacts that no other job holds. It returns what the job was turned
// into and whether it is gone; a missing job is NotFound, and one whose machine
// cannot be ended yet is Busy: nothing is forgotten that may cost.
func (d *Driver) Delete(ctx context.Context, id string) (j trainer.Job, gone bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	entry, ok := d.jobs[id]
	if !ok {
		return j, false, trainer.Errorf(trainer.NotFound, "There is no job %q.", id)
	}
	if r := &entry.record; !r.Job.State.Finished() {
		if err := r.Job.Move(trainer.Cancelled, time.Now()); err != nil {
			return j, false, err
		}
		r.Clean = entry.cancel == nil // it never left the queue
		if entry.cancel != nil {
			entry.cancel(errCancelled) // also where the disk is full: what it does costs
		}
		if err := d.Store.Save(*r); err != nil {
			return j, false, err
		}
		slog.Info("job cancelled", "job", id)
		return view(r), false, nil
	}
	if entry.cancel == nil && !entry.record.Clean && d.ctx != nil {
		d.start(id, d.clean) // it could not be ended before
	}
	// A worker that still ends the agent goes first.
	for entry.cancel != nil {
		ended := entry.ended
		d.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		d.mu.Lock()
		if ctx.Err() != nil {
			return j, false, ctx.Err()
		}
	}
	if d.jobs[id] != entry {
		return j, true, nil // somebody else removed it meanwhile
	}
	if !entry.record.Clean {
		return j, false, trainer.Errorf(trainer.Busy, "The machine of the job %s could not be ended yet: see the trainer's log for why, and try again. Nothing is forgotten before.", id)
	}
	if err := d.Store.Forget(id); err != nil {
		return j, false, err
	}
	delete(d.jobs, id)
	d.Store.Drop(entry.record, d.others(id))
	slog.Info("job removed", "job", id)
	return view(&entry.record), true, nil
}
