package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"text/tabwriter"
	"time"
)

var concurrencies = []int{1, 32}

func bench(ctx context.Context, o options, out io.Writer) error {
	back := httptest.NewServer(http.HandlerFunc(upstream))
	defer back.Close()
	base, err := url.Parse(back.URL)
	if err != nil {
		return err
	}
	subjects, err := o.subjects(ctx, base, out)
	for _, s := range subjects {
		defer s.end()
	}
	if err != nil {
		return err
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, c := range concurrencies {
		for round := -1; round < o.rounds; round++ { // the first warms up
			for i := range subjects {
				s := subjects[(i+max(round, 0))%len(subjects)] // each begins a round in turn
				runtime.GC()
				r, err := measure(ctx, s, c, o)
				if err != nil {
					return err
				}
				if round >= 0 {
					s.results[c] = append(s.results[c], r)
				}
			}
		}
	}
	report(subjects, o, out)
	return nil
}

func (o options) subjects(ctx context.Context, base *url.URL, out io.Writer) ([]*subject, error) {
	var subjects []*subject
	wanted := func(name string) bool { return o.only == "" || o.only == name }
	if wanted("bare") {
		subjects = append(subjects, bare(base))
	}
	if wanted("sqlite") {
		s, err := throughGateway(ctx, "sqlite", "", base)
		if err != nil {
			return subjects, err
		}
		subjects = append(subjects, s)
	}
	if wanted("postgresql") {
		address := o.postgres
		if address == "" {
			started, cleanup, err := postgres()
			if err != nil {
				fmt.Fprintf(out, "without PostgreSQL: %v\n", err)
				return subjects, nil
			}
			address = started
			subjects = append(subjects, &subject{close: []func(){cleanup}})
		}
		s, err := throughGateway(ctx, "postgresql", address, base)
		if address != o.postgres { // the server is cleaned up after its user
			cleanup := subjects[len(subjects)-1]
			subjects = subjects[:len(subjects)-1]
			if err != nil {
				cleanup.end()
				return subjects, err
			}
			s.close = append(cleanup.close, s.close...)
		}
		if err != nil {
			return subjects, err
		}
		subjects = append(subjects, s)
	}
	return subjects, nil
}

// report prints the medians over the rounds. A ratio is the median of the
// rounds' own ratios, as noise touches a round's subjects alike.
func report(subjects []*subject, o options, out io.Writer) {
	fmt.Fprintf(out, "gateway with capture against a bare reverse proxy: upstream 0 ms, 1 kB answers, stream %v, %d rounds of %s, %d cores\n", o.stream, o.rounds, o.length, runtime.NumCPU())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "concurrency\tsubject\tp50 µs\tp99 µs\trequests/s\tCPU µs\tp50 ratio\trequests/s ratio\tCPU ratio\t")
	for _, c := range concurrencies {
		first := subjects[0].results[c]
		for _, s := range subjects {
			var p50, rate, cpu []float64
			for i, r := range s.results[c] {
				p50 = append(p50, float64(r.p50)/float64(first[i].p50))
				rate = append(rate, r.rate/first[i].rate)
				cpu = append(cpu, float64(r.cpu)/float64(first[i].cpu))
			}
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t\n", c, s.name,
				median(s.results[c], func(r result) float64 { return micros(r.p50) }), median(s.results[c], func(r result) float64 { return micros(r.p99) }),
				median(s.results[c], func(r result) float64 { return r.rate }), median(s.results[c], func(r result) float64 { return micros(r.cpu) }),
				middle(p50), middle(rate), middle(cpu))
		}
	}
	w.Flush()
	for _, s := range subjects {
		if s.stored != nil {
			n, _ := s.stored()
			fmt.Fprintf(out, "%s: %d requests, %d pairs stored; the last one at most %d ms after a load's end\n", s.name, s.asked, n, s.drain.Milliseconds())
		}
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median(rs []result, f func(result) float64) float64 {
	var xs []float64
	for _, r := range rs {
		xs = append(xs, f(r))
	}
	return middle(xs)
}

func middle(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	return xs[len(xs)/2]
}
