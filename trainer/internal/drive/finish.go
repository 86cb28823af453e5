package drive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"understudy.dev/trainer"
)

// run is one worker's hold on one job.
type run struct {
	*Driver
	id       string
	provider Provider
	client   agentClient
	agentID  string // which agent the last attempt found
	strikes  int    // failures in a row that a new agent or a new download did not mend
	best     int64  // how far training ever came
	trouble  error  // what went wrong last
	unheard  time.Time
	overdue  string           // which limit the last step ran into
	trained  *trainer.Trained // by the manifest, once that is here and fits
}

// finish works on a job until it is finished, cancelled, or the trainer stops.
func (d *Driver) finish(ctx context.Context, id string) {
	r := &run{Driver: d, id: id}
	err := r.untilDone(ctx)
	switch {
	case errors.Is(context.Cause(ctx), errShutdown):
		return // the record says where to go on
	case errors.Is(context.Cause(ctx), errCancelled):
	case err == nil:
		r.settle(trainer.Succeeded, "")
	default:
		r.settle(trainer.Failed, sentence(err))
	}
	d.clean(ctx, id)
}

// untilDone repeats whole attempts: every step of one looks first at what is
// there already, so an attempt goes on where the last one broke off.
func (r *run) untilDone(ctx context.Context) error {
	rec := r.record()
	p, ok := r.Providers[rec.Spec.Provider]
	if !ok && rec.Costs() { // what was paid for is not thrown away
		r.wait(fmt.Errorf("this trainer was started without the provider %q, and a machine may run there: configure it again", rec.Spec.Provider))
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if !ok {
		return trainer.Errorf(trainer.Invalid, "This trainer was started without the provider %q. Configure it, then retry.", rec.Spec.Provider)
	}
	r.provider = p
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = min(r.Poll, 500*time.Millisecond), 15*time.Second
	for {
		before, strikes := r.best, r.strikes
		err := r.attempt(ctx)
		switch {
		case err == nil:
			return nil
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case r.saves(err):
		case trainer.CodeOf(err) != "":
			return err
		}
		if r.strikes > strikes && r.strikes >= r.Tries {
			return trainer.Errorf(trainer.Broken, "It failed %d times in a row without getting further; last: %v. The agent's log is %s.", r.strikes, err, r.Store.Log(r.id))
		}
		if r.best > before {
			wait.Reset()
		}
		r.wait(err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// saves reports whether a job goes on in spite of an error that is final
// elsewhere: what a rented machine has made was paid for, so that it is kept
// there until it is here, or until the deadline.
func (r *run) saves(err error) bool {
	rec := r.record()
	return trainer.CodeOf(err) == trainer.NoSpace && rec.Job.State == trainer.Downloading && rec.Agent.HourlyUSD > 0
}

// wait notes passing trouble where a person can see it.
func (r *run) wait(err error) {
	r.trouble = err
	if r.record().Job.Waiting == err.Error() {
		return
	}
	slog.Warn("job tries again", "job", r.id, "error", err)
	r.update(func(rec *trainer.Record) { rec.Job.Waiting = err.Error() })
}

// record returns a copy of the job's record.
func (r *run) record() trainer.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs[r.id].record
}

// errLetGo means that the job was cancelled under the worker's hands.
var errLetGo = errors.New("the job is finished")

// update changes the record of a job that is not finished and saves it. The
// error is that of the disk.
func (r *run) update(change func(*trainer.Record)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := &r.jobs[r.id].record
	if rec.Job.State.Finished() {
		return errLetGo
	}
	change(rec)
	rec.Job.UpdatedAt = time.Now().UTC()
	return r.Store.Save(*rec)
}

// move changes the state, where it is another, and saves the record.
func (r *run) move(to trainer.State, change func(*trainer.Record)) error {
	var wrong error
	err := r.update(func(rec *trainer.Record) {
		if rec.Job.State != to {
			wrong = rec.Job.Move(to, time.Now())
		}
		if wrong == nil && change != nil {
			change(rec)
		}
	})
	return errors.Join(wrong, err)
}

// settle ends the job with a result. A result that cannot be saved stays in
// memory: after a restart the job is looked at again.
func (r *run) settle(to trainer.State, reason string) {
	err := r.move(to, func(rec *trainer.Record) {
		rec.Job.Error = reason
		if to == trainer.Succeeded {
			rec.Job.Trained = r.trained
		}
	})
	if err != nil {
		slog.Error("job result not saved", "job", r.id, "error", err)
	}
	slog.Info("job finished", "job", r.id, "state", to, "reason", reason)
}

// sentence is what a person reads about a failure.
func sentence(err error) string {
	var e *trainer.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

const endPatience = 30 * time.Second

// clean ends a finished job's agent and removes what is not needed any more.
// What it cannot end now it ends at the next start.
func (d *Driver) clean(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	r := &run{Driver: d, id: id}
	rec := r.record()
	if err := d.end(ctx, rec); err != nil {
		slog.Error("agent not ended; it is tried again", "job", id, "agent", rec.Agent.ID, "error", err)
		return
	}
	if renter, ok := d.Providers[rec.Spec.Provider].(Renter); ok {
		d.bill(ctx, id, renter, r.record().Rentals)
	}
	if err := d.Store.ClearWork(id); err != nil {
		slog.Warn("work folder not removed", "job", id, "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := &d.jobs[id].record
	kept.Agent, kept.Token, kept.Clean = trainer.Agent{}, "", true
	if kept.Job.State != trainer.Succeeded {
		dropped := *kept
		kept.Job.Artifacts = nil
		d.Store.Drop(dropped, d.others(id))
	}
	d.keep(kept)
}

// end takes the job from its agent, if it does not have its result, and ends
// the agent.
func (d *Driver) end(ctx context.Context, rec trainer.Record) error {
	p, ok := d.Providers[rec.Spec.Provider]
	switch _, rents := p.(Renter); {
	case rec.Agent.ID == "" && !rec.Costs():
		return nil // nothing was ever started
	case !ok && !rec.Costs():
		return nil // an agent of this machine ended with its trainer; one that is not ours stays
	case !ok:
		return fmt.Errorf("the provider %q is not configured", rec.Spec.Provider)
	case rec.Agent.ID == "" && !rents:
		return nil
	}
	if rec.Job.State != trainer.Succeeded && !rec.Agent.Owned && rec.Agent.URL != "" {
		abandon(ctx, rec)
	}
	return p.End(ctx, d.order(rec))
}

// others returns all records but one. d.mu is held.
func (d *Driver) others(id string) []trainer.Record {
	var rest []trainer.Record
	for other, j := range d.jobs {
		if other != id {
			rest = append(rest, j.record)
		}
	}
	return rest
}
