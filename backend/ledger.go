package understudy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// DayFacts is what was measured of an endpoint on one day (UTC). They only add
// up: deleting a pair takes nothing back.
type DayFacts struct {
	Endpoint string
	Day      string // 2006-01-02

	LLM, SLM  int64 // answers that clients got, by who gave them
	Sample    int64 // of LLM's: drawn for the teacher although the SLM could
	Fallbacks int64 // of LLM's: the SLM was tried
	Shadows   int64 // the SLM's own answers to sampled requests
	Guessed   int64 // of LLM's and SLM's: tokens that no server counted

	LLMTokensIn, LLMTokensOut int64
	SLMTokensIn, SLMTokensOut int64

	LLMUSD    float64 // all of the LLM's answers at list price, samples too
	SLMUSD    float64 // the SLM's answers, its own tokens at the LLM's list price
	SampleUSD float64 // sampled requests as the LLM answered them
	ShadowUSD float64 // the same requests as the SLM answered them, its own tokens at the LLM's list price
	// Sums of squares, for the spread of SampleUSD and ShadowUSD.
	SampleUSD2, ShadowUSD2 float64

	SLMTime time.Duration // spent on the SLM's answers and shadows, as the gateway saw it

	CPU  time.Duration // processor time of the endpoint's SLM pods
	Pods time.Duration // one ready pod for an hour is an hour
}

// TrainingCost is what a training cost, on the day on which it ended.
type TrainingCost struct {
	Endpoint  string
	Day       string
	USD       float64
	Rented    time.Duration // that machines were rented for it; 0 on a machine of one's own
	Estimated bool          // by price and time, not by a bill
}

// Rates are what is paid for machines of one's own, in US dollars.
type Rates struct {
	CPUHour float64 // of one processor's time
	PodHour float64 // of a pod that stands ready, beside its processor time
	Threads int     // that an answer keeps busy, where nobody measured processor time
}

// LedgerDay is one day of an endpoint's ledger. Amounts are US dollars; a loss
// is negative.
type LedgerDay struct {
	Day                 string
	LLM, SLM, Sample    int64
	TokensIn, TokensOut int64
	CPU, Pods           time.Duration
	SpentUSD            float64 // on the LLM, samples too
	NotSpentUSD         float64 // what the LLM would have cost for the SLM's answers
	ServingUSD          float64
	TrainingUSD         float64
	Rented              time.Duration // that machines were rented for trainings
	SampleUSD           float64       // within SpentUSD
	NetUSD              float64       // not spent - serving - training - sample
	Estimated           bool
	unmeasured          float64 // of ServingUSD: the most that it can be
}

// Ledger is what an understudy saves and costs over some days.
type Ledger struct {
	Endpoint string
	Days     []LedgerDay // oldest first, only those on which something was
	Sum      LedgerDay   // Day is ""

	// Low and High are what NetUSD lies between, with 95 % confidence as far as
	// chance goes.
	Low, High float64
	// BreakEven is how many requests that the SLM can serve pay for the
	// trainings; nil where they never do, or nothing was served yet.
	BreakEven *int64
	Notes     []string // what is estimated, and how
}

// leastSamples is how many sampled requests tell what the LLM takes for a
// request beside the SLM; below, the two tokenizers are taken for alike.
const leastSamples = 30

// tokenizers is how far two tokenizers are taken to differ where no samples
// tell.
const tokenizers = 0.25

// NewLedger sets facts and costs against each other. facts and trainings are
// those of one endpoint, in any order.
//
// The SLM counts in its own tokens, so its answers at the LLM's list price are
// not yet what the LLM would have cost. The sampled requests tell: they are
// drawn at random from those that the SLM can serve, both answer them, and the
// ratio of the two prices corrects the rest.
func NewLedger(endpoint string, facts []DayFacts, trainings []TrainingCost, rates Rates) Ledger {
	l := Ledger{Endpoint: endpoint}
	var all DayFacts
	for _, f := range facts {
		all.add(f)
	}
	ratio, doubt := all.ratio()
	days := map[string]*LedgerDay{}
	of := func(day string) *LedgerDay {
		if days[day] == nil {
			days[day] = &LedgerDay{Day: day}
		}
		return days[day]
	}
	for _, f := range facts {
		of(f.Day).take(f, ratio, rates)
	}
	for _, t := range trainings {
		d := of(t.Day)
		d.TrainingUSD += t.USD
		d.Rented += t.Rented
		d.Estimated = d.Estimated || t.Estimated
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		d := days[day]
		d.NetUSD = d.NotSpentUSD - d.ServingUSD - d.TrainingUSD - d.SampleUSD
		l.Days = append(l.Days, *d)
		l.Sum.sum(*d)
	}
	l.Low = l.Sum.NetUSD - doubt*l.Sum.NotSpentUSD
	// Processor time that nobody measured is the most that it can have been.
	l.High = l.Sum.NetUSD + doubt*l.Sum.NotSpentUSD + l.Sum.unmeasured
	l.BreakEven = l.Sum.breakEven()
	l.note(all, doubt)
	l.noteTrainings(trainings)
	return l
}

func (l *Ledger) say(format string, args ...any) {
	l.Notes = append(l.Notes, fmt.Sprintf(format, args...))
}

func (l *Ledger) note(all DayFacts, doubt float64) {
	say := l.say
	switch {
	case all.SLM == 0:
	case all.sampled() >= leastSamples:
		say("What the LLM would have charged for %d answers of the SLM is estimated from %d sampled requests that both answered, give or take %.0f %%.", all.SLM, all.sampled(), 100*doubt)
	default:
		say("What the LLM would have charged for %d answers of the SLM is estimated from the SLM's own tokens, give or take %.0f %%: only %d sampled requests tell how the two count, and it takes %d.", all.SLM, 100*doubt, all.sampled(), leastSamples)
	}
	if all.Guessed > 0 {
		say("The tokens of %d answers were estimated at four bytes each, because no server counted them.", all.Guessed)
	}
	if l.Sum.unmeasured > 0 {
		say("Processor time of the SLM was not measured on some days; there it is the time of its answers on every thread, which is the most that it can be.")
	}
}

func (l *Ledger) noteTrainings(trainings []TrainingCost) {
	var own, rented, unbilled int
	var usd, open float64
	for _, t := range trainings {
		switch {
		case t.Rented == 0 && t.Estimated:
			own++
		case t.Rented > 0:
			rented++
			usd += t.USD
			if t.Estimated {
				unbilled++
				open += t.USD
			}
		}
	}
	if own > 0 {
		l.say("Trainings on this machine have no bill: they are its processors' time at the set price.")
	}
	if rented > 0 {
		l.say("Trainings rented machines for %.2f hours, $%.4f in all.", l.Sum.Rented.Hours(), usd)
	}
	if unbilled > 0 {
		l.say("The bill of %d of %d trainings on rented machines is not known yet: $%.4f of it is price and time.", unbilled, rented, open)
	}
}

// ratio is what the LLM's price for a request is of the SLM's tokens at the
// same list price, and how far it may be off, as a part of it.
func (f DayFacts) ratio() (ratio, doubt float64) {
	if f.sampled() < leastSamples || f.ShadowUSD <= 0 || f.SampleUSD <= 0 {
		return 1, tokenizers
	}
	llm, errLLM := meanOf(f.SampleUSD, f.SampleUSD2, f.Sample)
	slm, errSLM := meanOf(f.ShadowUSD, f.ShadowUSD2, f.Shadows)
	// The two are of nearly the same requests and rise together, so that their
	// ratio is surer than this.
	return llm / slm, 1.96 * math.Hypot(errLLM/llm, errSLM/slm)
}

func (f DayFacts) sampled() int64 { return min(f.Sample, f.Shadows) }

// meanOf returns the mean of n values and its standard error.
func meanOf(sum, squares float64, n int64) (m, err float64) {
	m = sum / float64(n)
	variance := max(0, squares/float64(n)-m*m) * float64(n) / float64(n-1)
	return m, math.Sqrt(variance / float64(n))
}

func (f *DayFacts) add(o DayFacts) {
	f.SLM += o.SLM
	f.Sample += o.Sample
	f.Shadows += o.Shadows
	f.Guessed += o.Guessed
	f.SampleUSD += o.SampleUSD
	f.ShadowUSD += o.ShadowUSD
	f.SampleUSD2 += o.SampleUSD2
	f.ShadowUSD2 += o.ShadowUSD2
}

func (d *LedgerDay) take(f DayFacts, ratio float64, rates Rates) {
	d.LLM += f.LLM
	d.SLM += f.SLM
	d.Sample += f.Sample
	d.TokensIn += f.LLMTokensIn + f.SLMTokensIn
	d.TokensOut += f.LLMTokensOut + f.SLMTokensOut
	d.SpentUSD += f.LLMUSD
	d.SampleUSD += f.SampleUSD
	d.NotSpentUSD += f.SLMUSD * ratio
	d.CPU += f.CPU
	d.Pods += f.Pods
	serving := f.CPU.Hours() * rates.CPUHour
	if f.CPU == 0 && f.SLMTime > 0 {
		serving = f.SLMTime.Hours() * float64(max(rates.Threads, 1)) * rates.CPUHour
		d.unmeasured += serving
	}
	d.ServingUSD += serving + f.Pods.Hours()*rates.PodHour
	d.Estimated = d.Estimated || f.SLM > 0 || f.Guessed > 0 || d.unmeasured > 0
}

func (d *LedgerDay) sum(o LedgerDay) {
	d.LLM += o.LLM
	d.SLM += o.SLM
	d.Sample += o.Sample
	d.TokensIn += o.TokensIn
	d.TokensOut += o.TokensOut
	d.CPU += o.CPU
	d.Pods += o.Pods
	d.SpentUSD += o.SpentUSD
	d.NotSpentUSD += o.NotSpentUSD
	d.ServingUSD += o.ServingUSD
	d.TrainingUSD += o.TrainingUSD
	d.Rented += o.Rented
	d.SampleUSD += o.SampleUSD
	d.NetUSD += o.NetUSD
	d.unmeasured += o.unmeasured
	d.Estimated = d.Estimated || o.Estimated
}

// breakEven divides what the trainings cost by what a request brings that the
// SLM can serve.
func (d LedgerDay) breakEven() *int64 {
	requests := float64(d.SLM + d.Sample)
	if requests == 0 {
		return nil
	}
	gain := (d.NotSpentUSD - d.ServingUSD - d.SampleUSD) / requests
	if gain <= 0 {
		return nil
	}
	n := int64(math.Ceil(d.TrainingUSD / gain))
	return &n
}

// SumLedgers adds ledgers up, day by day; it has no break-even volume.
func SumLedgers(list []Ledger) Ledger {
	var total Ledger
	days := map[string]*LedgerDay{}
	for _, l := range list {
		for _, d := range l.Days {
			if days[d.Day] == nil {
				days[d.Day] = &LedgerDay{Day: d.Day}
			}
			days[d.Day].sum(d)
		}
		total.Sum.sum(l.Sum)
		total.Low += l.Low
		total.High += l.High
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		total.Days = append(total.Days, *days[day])
	}
	return total
}

// CostsOf is what a model's trainings cost and when: each that rented machines,
// and the last one where that ran on this machine, by its processors' time.
func CostsOf(m Model, local bool, processors int, cpuHour float64, now time.Time) []TrainingCost {
	var costs []TrainingCost
	t := m.Training
	own := local && t.StartedAt != nil
	for _, r := range t.Rentals {
		usd, billed := r.USD()
		costs = append(costs, TrainingCost{Endpoint: m.Endpoint, Day: day(r.EndedAt, now), USD: usd, Rented: r.Time, Estimated: !billed})
		own = own && r.Attempt != t.Attempt
	}
	if own {
		end := now
		if t.EndedAt != nil {
			end = *t.EndedAt
		}
		costs = append(costs, TrainingCost{Endpoint: m.Endpoint, Day: day(t.EndedAt, now),
			USD: end.Sub(*t.StartedAt).Hours() * float64(processors) * cpuHour, Estimated: true})
	}
	return costs
}

func day(at *time.Time, otherwise time.Time) string {
	if at != nil {
		otherwise = *at
	}
	return otherwise.UTC().Format(time.DateOnly)
}
