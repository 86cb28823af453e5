package understudy

import (
	"cmp"
	"slices"
	"time"
)

// Seen is what traffic is drawn from: one answer, without its words.
type Seen struct {
	Endpoint string
	At       time.Time
	Source   Source
	Reason   Reason
	Latency  time.Duration
	Complete bool
}

// TrafficPoint is what happened in one span of time. Percentiles are zero
// where nothing was.
type TrafficPoint struct {
	At             time.Time // where it begins
	LLM, SLM       int64
	Fallbacks      int64 // among LLM
	Failed         int64 // that broke off, among LLM and SLM
	P50, P95       time.Duration
	SLMP50, LLMP50 time.Duration
	slm, llm       []time.Duration
}

// Traffic sorts answers into spans of the same length, from one time to
// another: all of them, empty ones too. Shadows and imports were nobody's
// requests and do not count.
func Traffic(seen []Seen, from, to time.Time, span time.Duration) []TrafficPoint {
	from = from.Truncate(span)
	points := make([]TrafficPoint, 0, int(to.Sub(from)/span)+1)
	for at := from; at.Before(to); at = at.Add(span) {
		points = append(points, TrafficPoint{At: at})
	}
	for _, s := range seen {
		i := int(s.At.Sub(from) / span)
		if s.Reason == ReasonShadow || s.Reason == ReasonImport || s.At.Before(from) || i >= len(points) {
			continue
		}
		points[i].add(s)
	}
	for i := range points {
		points[i].close()
	}
	return points
}

func (p *TrafficPoint) add(s Seen) {
	if s.Source == SourceSLM {
		p.SLM++
		p.slm = append(p.slm, s.Latency)
	} else {
		p.LLM++
		p.llm = append(p.llm, s.Latency)
	}
	if s.Reason == ReasonFallback {
		p.Fallbacks++
	}
	if !s.Complete {
		p.Failed++
	}
}

func (p *TrafficPoint) close() {
	p.SLMP50, p.LLMP50 = Percentile(p.slm, 50), Percentile(p.llm, 50)
	both := append(p.slm, p.llm...)
	p.P50, p.P95 = Percentile(both, 50), Percentile(both, 95)
	p.slm, p.llm = nil, nil
}

// Percentile returns the value below or at which that part of the values lies,
// 0 where there are none. It sorts them.
func Percentile[T cmp.Ordered](values []T, percent int) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	slices.Sort(values)
	return values[(len(values)*percent+99)/100-1]
}

// Recent is an endpoint's last minutes at a glance.
type Recent struct {
	LLM, SLM, LastMinute int64
	SLMP50, LLMP50       time.Duration
}

// RecentOf sums what was seen, by endpoint; LastMinute is since then.
func RecentOf(seen []Seen, minute time.Time) map[string]Recent {
	points, last := map[string]*TrafficPoint{}, map[string]int64{}
	for _, s := range seen {
		if s.Reason == ReasonShadow || s.Reason == ReasonImport {
			continue
		}
		if points[s.Endpoint] == nil {
			points[s.Endpoint] = &TrafficPoint{}
		}
		points[s.Endpoint].add(s)
		if s.At.After(minute) {
			last[s.Endpoint]++
		}
	}
	out := map[string]Recent{}
	for name, p := range points {
		p.close()
		out[name] = Recent{LLM: p.LLM, SLM: p.SLM, LastMinute: last[name], SLMP50: p.SLMP50, LLMP50: p.LLMP50}
	}
	return out
}
