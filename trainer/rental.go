package trainer

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Rental is a machine that a job paid for.
type Rental struct {
	ID        string    `json:"id"`
	GPU       string    `json:"gpu"`
	Where     string    `json:"where,omitempty"` // the data centre
	HourlyUSD float64   `json:"hourlyUSD"`
	StartedAt time.Time `json:"startedAt"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	// BilledUSD is what the provider's bill says, nil until it says anything.
	BilledUSD *float64 `json:"billedUSD,omitempty"`
}

// CostUSD is the machine's price times its time, until now at the latest.
func (r *Rental) CostUSD(now time.Time) float64 { return r.HourlyUSD * r.Time(now).Hours() }

// Time is how long the machine was rented, until now at the latest.
func (r *Rental) Time(now time.Time) time.Duration {
	if !r.EndedAt.IsZero() {
		now = r.EndedAt
	}
	return max(now.Sub(r.StartedAt), 0)
}

// Rented returns the rental of a machine, nil where there is none.
func (r *Record) Rented(id string) *Rental {
	for i := range r.Rentals {
		if r.Rentals[i].ID == id {
			return &r.Rentals[i]
		}
	}
	return nil
}

// Hire takes a machine into the account, once however often it is told.
func (r *Record) Hire(a Agent) {
	if r.Rented(a.ID) == nil {
		// A new slice: copies of the record share the old one.
		r.Rentals = append(slices.Clone(r.Rentals), Rental{ID: a.ID, GPU: a.GPU, Where: a.Where, HourlyUSD: a.HourlyUSD, StartedAt: a.StartedAt})
	}
}

// Dismiss notes that a machine ended; it reports whether that was news.
func (r *Record) Dismiss(id string, now time.Time) bool {
	at := slices.IndexFunc(r.Rentals, func(x Rental) bool { return x.ID == id && x.EndedAt.IsZero() })
	if at < 0 {
		return false
	}
	r.Rentals = slices.Clone(r.Rentals)
	r.Rentals[at].EndedAt = now.UTC()
	return true
}

// Bill notes what a machine cost according to its provider.
func (r *Record) Bill(id string, usd float64) {
	r.Rentals = slices.Clone(r.Rentals)
	if x := r.Rented(id); x != nil {
		x.BilledUSD = &usd
	}
}

// CostUSD is what the job's machines cost until now, all of them, by their
// prices and times.
func (r *Record) CostUSD(now time.Time) float64 {
	var sum float64
	for i := range r.Rentals {
		sum += r.Rentals[i].CostUSD(now)
	}
	return math.Round(sum*1e6) / 1e6
}

// BilledUSD is what the provider's bill says of all machines, nil while it is
// not known of each.
func (r *Record) BilledUSD() *float64 {
	var sum float64
	for _, x := range r.Rentals {
		if x.BilledUSD == nil {
			return nil
		}
		sum += *x.BilledUSD
	}
	if len(r.Rentals) == 0 {
		return nil
	}
	sum = math.Round(sum*1e6) / 1e6
	return &sum
}

// Seconds is how long the job's machines were rented until now, all of them
// together.
func (r *Record) Seconds(now time.Time) float64 {
	var sum time.Duration
	for _, x := range r.Rentals {
		sum += x.Time(now)
	}
	return math.Round(sum.Seconds()*10) / 10
}

// How long after a machine's end its bill may still change, and when a bill
// that knows nothing of it is not waited for any more.
const (
	BillSettles = 2 * time.Hour
	BillGivenUp = 48 * time.Hour
)

// Settled reports whether the machine's bill is final.
func (r *Rental) Settled(now time.Time) bool {
	if r.EndedAt.IsZero() {
		return false
	}
	age := now.Sub(r.EndedAt)
	return age > BillSettles && r.BilledUSD != nil || age > BillGivenUp
}

// Settled reports whether nothing of the job's cost changes any more.
func (r *Record) Settled(now time.Time) bool {
	return r.Job.State.Finished() && r.Clean && !slices.ContainsFunc(r.Rentals, func(x Rental) bool { return !x.Settled(now) })
}

const maxNotes = 20

// Note keeps something that a person should know about the job.
func (r *Record) Note(now time.Time, format string, args ...any) {
	notes := append(slices.Clone(r.Job.Notes), now.UTC().Format(time.DateTime)+" "+fmt.Sprintf(format, args...))
	r.Job.Notes = notes[max(len(notes)-maxNotes, 0):]
}
