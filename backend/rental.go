package understudy

import (
	"slices"
	"time"
)

// Rental is what one training paid for machines, all of them together.
type Rental struct {
	Attempt   int // of the model: names the job
	Provider  string
	Machine   string // the provider's name of the last one
	GPU       string
	Where     string // its data centre
	Machines  int
	Time      time.Duration
	Reckoned  float64    // US dollars: prices times times
	BilledUSD *float64   // by the provider's bill of all of them; nil while it is not known
	EndedAt   *time.Time // when the job was first seen finished
	// Settled is true when none of this changes any more; until then the
	// trainer is asked again.
	Settled bool
}

// billWhole is the part of what was reckoned from which on a young bill is
// taken for whole: a provider fills it in by the hour.
const billWhole = 0.9

// USD is what the training cost: the provider's bill once that is whole, else
// prices times times so far. billed tells which.
func (r Rental) USD() (usd float64, billed bool) {
	if r.BilledUSD != nil && (r.Settled || *r.BilledUSD >= billWhole*r.Reckoned) {
		return *r.BilledUSD, true
	}
	return r.Reckoned, false
}

// CostUSD is what all of a model's rentals cost; billed is true where each of
// them has a bill, and there is one.
func (t TrainingRecord) CostUSD() (usd float64, billed bool) {
	billed = len(t.Rentals) > 0
	for _, r := range t.Rentals {
		cost, known := r.USD()
		usd += cost
		billed = billed && known
	}
	return usd, billed
}

// Rented is how long machines were rented for a model, all of them together.
func (t TrainingRecord) Rented() (sum time.Duration) {
	for _, r := range t.Rentals {
		sum += r.Time
	}
	return sum
}

// Rental returns what an attempt's training paid for; nil where nothing is known
// to have been rented.
func (t *TrainingRecord) Rental(attempt int) *Rental {
	i := slices.IndexFunc(t.Rentals, func(r Rental) bool { return r.Attempt == attempt })
	if i < 0 {
		return nil
	}
	return &t.Rentals[i]
}

// Account takes over what a job says of the machines that it paid for; it
// reports whether that was news.
func (t *TrainingRecord) Account(job TrainingJob, now time.Time) bool {
	if job.Machines == 0 {
		return false
	}
	attempt := JobAttempt(job.ID)
	next := Rental{Attempt: attempt, Provider: job.Provider, Machine: job.Machine, GPU: job.GPU, Where: job.Where, Machines: job.Machines,
		Time: job.Rented, Reckoned: job.CostUSD, BilledUSD: job.BilledUSD, Settled: job.Settled}
	old := t.Rental(attempt)
	if old != nil {
		next.EndedAt = old.EndedAt
		if next.Machine == "" { // it is ended
			next.Machine, next.GPU, next.Where = old.Machine, old.GPU, old.Where
		}
	}
	if now = now.UTC(); next.EndedAt == nil && job.State.Finished() {
		next.EndedAt = &now
	}
	if old != nil && old.same(next) {
		return false
	}
	// A new slice: copies of the model share the old one.
	t.Rentals = slices.DeleteFunc(slices.Clone(t.Rentals), func(r Rental) bool { return r.Attempt == attempt })
	t.Rentals = append(t.Rentals, next)
	slices.SortFunc(t.Rentals, func(a, b Rental) int { return a.Attempt - b.Attempt })
	return true
}

// Settle notes that nobody knows more of an attempt's cost; it reports whether
// that was news.
func (t *TrainingRecord) Settle(attempt int) bool {
	if r := t.Rental(attempt); r == nil || r.Settled {
		return false
	}
	t.Rentals = slices.Clone(t.Rentals)
	t.Rental(attempt).Settled = true
	return true
}

func (r Rental) same(o Rental) bool {
	bill := (r.BilledUSD == nil) == (o.BilledUSD == nil) && (r.BilledUSD == nil || *r.BilledUSD == *o.BilledUSD)
	end := (r.EndedAt == nil) == (o.EndedAt == nil)
	r.BilledUSD, o.BilledUSD, r.EndedAt, o.EndedAt = nil, nil, nil, nil
	return bill && end && r == o
}
