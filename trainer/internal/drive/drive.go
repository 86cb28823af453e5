// Package drive carries training jobs through their states. One path drives
// every provider; providers differ only in where an agent comes from.
package drive

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"understudy.dev/service/env"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/store"
)

// Provider knows where agents come from.
type Provider interface {
	// Ensure returns the job's agent: the one that runs, also where a trainer
	// before this one started it (Order.Previous), else a new one. It blocks
	// until the agent's address is known. An error with a trainer.Code is
	// final; one that wraps trainer.ErrStart counts as a start that failed.
	Ensure(context.Context, trainer.Order) (trainer.Agent, error)
	// End ends what Ensure started for this job; an agent that is gone, or
	// was never ours, is no error.
	End(context.Context, trainer.Order) error
}

// Renter is a provider whose machines cost. They are looked at beside the jobs.
type Renter interface {
	Provider
	// Silence is how long a machine that runs may not answer before another is
	// rented in its place.
	Silence() time.Duration
	// Reap ends every machine of this installation that needed does not want;
	// ended hears of each.
	Reap(ctx context.Context, needed func(job, machine string) bool, ended func(job string, a trainer.Agent)) error
	// Billed is what a machine cost by the provider's bill, in USD; known is
	// false while the bill does not have it.
	Billed(ctx context.Context, r trainer.Rental) (usd float64, known bool, err error)
}

// Config is what a Driver works with.
type Config struct {
	Store        *store.Store
	Providers    map[string]Provider
	Missing      map[string]string // why a provider is not among them, for a person
	Slots        map[string]int    // jobs at a time by provider; 1 where it is not named
	DatasetToken env.Secret        // bearer token for data set addresses
	Poll         time.Duration     // between two looks at an agent
	Silence      time.Duration     // an agent of ours that does not answer for so long is started anew
	Stall        time.Duration     // and so is one whose heartbeat stands still for so long
	Grace        time.Duration     // past the deadline, for an agent to convert what it has and hand it over
	Downloads    *rate.Limiter     // of all artefacts' bytes a second; nil = none
	Tries        int               // failures in a row, without progress, before a job fails
	Reap         time.Duration     // between two looks for machines without a job
}

// Defaults fills in what was left out.
func (c Config) Defaults() Config {
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Silence = cmp.Or(c.Silence, 2*time.Minute)
	c.Stall = cmp.Or(c.Stall, 20*time.Minute) // loading may pull a large base
	c.Grace = cmp.Or(c.Grace, 5*time.Minute)
	c.Tries = cmp.Or(c.Tries, 5)
	c.Reap = cmp.Or(c.Reap, time.Minute)
	return c
}

// Driver holds all jobs. Its methods may be called from anywhere.
type Driver struct {
	Config
	mu   sync.Mutex
	jobs map[string]*job
	ctx  context.Context
	work sync.WaitGroup
	// partial is true where records could not be read: jobs that are not known
	// may exist then.
	partial bool
}

// job is a record and the worker that has it, if one has.
type job struct {
	record trainer.Record
	cancel context.CancelCauseFunc // nil while nobody works on it
	ended  chan struct{}           // closed when the worker has let go
}

// What ends a worker's context.
var (
	errShutdown  = errors.New("the trainer stops")
	errCancelled = errors.New("the job was cancelled")
)

// New reads the store. Nothing runs before Run.
func New(c Config) (*Driver, error) {
	d := &Driver{Config: c.Defaults(), jobs: map[string]*job{}}
	records, err := c.Store.Load()
	if err != nil {
		slog.Error("some jobs cannot be read; nothing is cleared away", "error", err)
		d.partial = true
	} else {
		c.Store.Sweep(records)
	}
	for _, r := range records {
		d.jobs[r.Job.ID] = &job{record: r}
	}
	return d, nil
}

// Run works until ctx ends and every worker has let go. Jobs that are not
// finished go on at the next start. Agents are left to their providers.
func (d *Driver) Run(ctx context.Context) {
	inner, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	d.mu.Lock()
	d.ctx = inner
	for id, j := range d.jobs {
		switch {
		case !j.record.Job.State.Finished() && !j.record.StartedAt.IsZero():
			d.start(id, d.finish)
		case j.record.Job.State.Finished() && !j.record.Clean:
			d.start(id, d.clean) // ended between the result and the agent's end
		}
	}
	d.schedule()
	d.mu.Unlock()
	for name, p := range d.Providers {
		if renter, ok := p.(Renter); ok {
			d.work.Go(func() { d.watchMachines(inner, name, renter) })
		}
	}
	<-ctx.Done()
	stop(errShutdown)
	d.mu.Lock()
	d.ctx = nil
	d.mu.Unlock()
	d.work.Wait()
}

// Put adds a job, or finds it: created tells which. Another job with this id is
// a Conflict.
func (d *Driver) Put(id string, spec trainer.Spec) (j trainer.Job, created bool, err error) {
	if err := trainer.CheckID(id); err != nil {
		return j, false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// A job that is there goes on, whatever this trainer would accept now.
	if old, ok := d.jobs[id]; ok {
		if !old.record.Spec.Same(spec) {
			return j, false, trainer.Errorf(trainer.Conflict, "There is another job %s already. Give this one an id of its own.", id)
		}
		if old.record.Spec.Dataset.URL != spec.Dataset.URL {
			old.record.Spec.Dataset.URL = spec.Dataset.URL
			d.keep(&old.record)
		}
		return view(&old.record), false, nil
	}
	if why, missing := d.Missing[spec.Provider]; missing {
		return j, false, trainer.Errorf(trainer.Invalid, "%s", why)
	}
	if err := spec.Validate(d.providers()); err != nil {
		return j, false, err
	}
	now := time.Now().UTC()
	r := trainer.Record{Spec: spec, Token: rand.Text(), Job: trainer.Job{
		ID: id, State: trainer.Queued, CreatedAt: now, UpdatedAt: now,
		Provider: trainer.Machine{Name: spec.Provider},
	}}
	if err := d.Store.Save(r); err != nil {
		return j, false, err
	}
	d.jobs[id] = &job{record: r}
	slog.Info("job accepted", "job", id, "provider", spec.Provider, "base", spec.Base.Name, "pairs", spec.Dataset.Pairs)
	d.schedule()
	return view(&d.jobs[id].record), true, nil
}

func (d *Driver) providers() []string {
	var names []string
	for name := range d.Providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Get returns a job, or NotFound.
func (d *Driver) Get(id string) (trainer.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j, ok := d.jobs[id]
	if !ok {
		return trainer.Job{}, trainer.Errorf(trainer.NotFound, "There is no job %q.", id)
	}
	return view(&j.record), nil
}

// List returns all jobs, the oldest first.
func (d *Driver) List() []trainer.Job {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]trainer.Job, 0, len(d.jobs))
	for _, j := range d.jobs {
		all = append(all, view(&j.record))
	}
	slices.SortFunc(all, func(a, b trainer.Job) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Artifact returns the path and size of an artefact that a succeeded job holds:
// any job, or, where model is not empty, one of that model. Else NotFound.
func (d *Driver) Artifact(sha256, model string) (path string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jobs {
		r := &j.record
		if r.Job.State != trainer.Succeeded || (model != "" && !r.Job.BelongsTo(model)) {
			continue
		}
		for _, a := range r.Job.Artifacts {
			if a.SHA256 == sha256 {
				return d.Store.Artifact(sha256), nil
			}
		}
	}
	return "", trainer.Errorf(trainer.NotFound, "There is no artefact %s here.", sha256)
}

// view copies what others may see, so that they can read it unlocked.
func view(r *trainer.Record) trainer.Job {
	j := r.Job
	if len(r.Rentals) > 0 {
		now := time.Now()
		j.Provider.CostUSD, j.Provider.Seconds, j.Provider.BilledUSD, j.Provider.Machines = r.CostUSD(now), r.Seconds(now), r.BilledUSD(), len(r.Rentals)
		j.Provider.Settled = r.Settled(now)
	}
	j.Notes = slices.Clone(j.Notes)
	j.Artifacts = append([]trainer.Artifact{}, j.Artifacts...)
	return j
}

// keep saves a record whose change is not worth failing for: it is in memory,
// and the next save takes it along.
func (d *Driver) keep(r *trainer.Record) {
	if err := d.Store.Save(*r); err != nil {
		slog.Error("job not saved", "job", r.Job.ID, "error", err)
	}
}
