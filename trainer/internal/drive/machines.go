package drive

import (
	"context"
	"log/slog"
	"time"

	"understudy.dev/trainer"
)

// account is a job's account of the machines it pays for.
type account struct {
	*Driver
	id string
}

// Hiring implements trainer.Account.
func (a account) Hiring() {
	a.note(func(rec *trainer.Record) { rec.Hiring = true })
}

// Hired implements trainer.Account. What the disk does not take is kept in
// memory; after a crash the machine is found by its name.
func (a account) Hired(m trainer.Agent) {
	a.note(func(rec *trainer.Record) {
		if len(rec.Rentals) > 0 && rec.Rented(m.ID) == nil {
			rec.Note(time.Now(), "The pod before it is gone; another one, %s, was rented.", m.ID)
		}
		rec.Hire(m)
		rec.Agent = m
		rec.Job.Provider = machine(rec)
	})
}

// Ended implements trainer.Account.
func (a account) Ended(id string) {
	a.note(func(rec *trainer.Record) {
		rec.Dismiss(id, time.Now())
		if rec.Agent.ID == id {
			rec.Agent = trainer.Agent{}
		}
	})
}

// note changes the account, also that of a finished job.
func (a account) note(change func(*trainer.Record)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if j, ok := a.jobs[a.id]; ok {
		change(&j.record)
		a.keep(&j.record)
	}
}

// machine is what others see of the agent that a job has.
func machine(rec *trainer.Record) trainer.Machine {
	return trainer.Machine{Name: rec.Spec.Provider, ID: rec.Agent.ID, GPU: rec.Agent.GPU, Where: rec.Agent.Where}
}

// billEvery is how often a bill that may change is read again.
const billEvery = 10 * time.Minute

// watchMachines looks for machines without a job, at once and then regularly,
// and reads bills that were not complete.
func (d *Driver) watchMachines(ctx context.Context, name string, p Renter) {
	tick := time.NewTicker(d.Reap)
	defer tick.Stop()
	var billed time.Time
	for {
		if err := d.reap(ctx, p); err != nil && ctx.Err() == nil {
			slog.Warn("machines without a job cannot be looked for; it is tried again", "provider", name, "error", err)
		}
		d.cleanUp(name)
		if time.Since(billed) >= billEvery {
			billed = time.Now()
			d.readBills(ctx, name, p)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reap ends what no job needs.
func (d *Driver) reap(ctx context.Context, p Renter) error {
	return p.Reap(ctx, d.needs, func(job string, a trainer.Agent) {
		acc := account{d, job}
		acc.note(func(rec *trainer.Record) { rec.Hire(a) })
		acc.Ended(a.ID)
	})
}

// cleanUp tries again to end what finished jobs left.
func (d *Driver) cleanUp(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, j := range d.jobs {
		if d.ctx != nil && j.cancel == nil && j.record.Spec.Provider == name && j.record.Job.State.Finished() && !j.record.Clean {
			d.start(id, d.clean)
		}
	}
}

// needs reports whether a job works with a machine, or may be about to.
func (d *Driver) needs(job, machine string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	j, ok := d.jobs[job]
	switch {
	case !ok:
		return d.partial
	case j.record.Job.State.Finished():
		return false
	}
	return j.record.Agent.ID == "" || j.record.Agent.ID == machine
}

// readBills completes the accounts of finished jobs.
func (d *Driver) readBills(ctx context.Context, name string, p Renter) {
	d.mu.Lock()
	due, now := map[string][]trainer.Rental{}, time.Now()
	for id, j := range d.jobs {
		for _, x := range j.record.Rentals {
			if j.record.Spec.Provider == name && j.record.Job.State.Finished() && !x.Settled(now) {
				due[id] = append(due[id], x)
			}
		}
	}
	d.mu.Unlock()
	for id, list := range due {
		d.bill(ctx, id, p, list)
	}
}

// bill holds what we reckoned against the provider's bill. Both are kept.
func (d *Driver) bill(ctx context.Context, id string, p Renter, list []trainer.Rental) {
	for _, x := range list {
		usd, known, err := p.Billed(ctx, x)
		if err != nil {
			slog.Warn("the bill cannot be read; it is tried again", "job", id, "machine", x.ID, "error", err)
			return
		}
		if !known || x.BilledUSD != nil && *x.BilledUSD == usd {
			continue
		}
		account{d, id}.note(func(rec *trainer.Record) { rec.Bill(x.ID, usd) })
		if reckoned := x.CostUSD(time.Now()); usd > reckoned*1.1+0.01 {
			slog.Warn("the bill is higher than what was reckoned", "job", id, "machine", x.ID, "billedUSD", usd, "reckonedUSD", reckoned)
		}
	}
}
