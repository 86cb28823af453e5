// Package usage measures what serving costs: it reads the processor time that
// SLM pods tell of themselves and adds it up by endpoint and day. The leader
// runs it.
package usage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	understudy "understudy.dev/backend"
)

// Store is the database, as far as this package goes.
type Store interface {
	Models(ctx context.Context, f understudy.ModelFilter) ([]understudy.Model, error)
	AddUsage(ctx context.Context, endpoint string, at time.Time, cpu, pods time.Duration) error
}

// Meter measures.
type Meter struct {
	Store     Store
	Addresses understudy.Addresses
	Every     time.Duration // between looks, 0 = 15 s
	Now       func() time.Time
	Client    *http.Client
}

const (
	usually = 15 * time.Second
	lookFor = 5 * time.Second // bounds one pod's answer
	counter = "understudy_inference_cpu_seconds_total"
)

// Run measures until ctx ends, and once more then. What a pod used before the
// first look of a leadership was counted by the one before, or is lost.
func (m *Meter) Run(ctx context.Context) {
	every, now := m.Every, m.Now
	if every == 0 {
		every = usually
	}
	if now == nil {
		now = time.Now
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	l := look{Meter: m, pods: map[string]reading{}}
	l.take(ctx, now())
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookFor)
			defer cancel()
			l.take(last, now())
			return
		case <-tick.C:
			l.take(ctx, now())
		}
	}
}

// look is what one leadership has read.
type look struct {
	*Meter
	pods    map[string]reading // by release and URL
	started bool               // there was an earlier look
}

// reading is what a pod said, and when.
type reading struct {
	cpu time.Duration
	at  time.Time
}

type used struct{ cpu, pods time.Duration }

// take reads every pod and stores what they used since the last time.
func (l *look) take(ctx context.Context, now time.Time) {
	models, err := l.serving(ctx)
	if err != nil {
		return // the next look adds it
	}
	next, sums := map[string]reading{}, map[string]used{}
	serving := map[string]bool{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, model := range models {
		serving[model.Release] = true
		for _, url := range l.Addresses.Ready(model.Release) {
			all.Go(func() {
				key := model.Release + " " + url
				cpu, err := l.read(ctx, url)
				mu.Lock()
				defer mu.Unlock()
				before, known := l.pods[key]
				if err != nil {
					if known {
						next[key] = before
					}
					return
				}
				r := reading{cpu: cpu, at: now}
				sum := sums[model.Endpoint]
				switch {
				case known && cpu >= before.cpu:
					sum.cpu += cpu - before.cpu
				case known || l.started: // it has started since, or anew
					sum.cpu += cpu
				}
				if known {
					sum.pods += now.Sub(before.at)
				}
				next[key], sums[model.Endpoint] = r, sum
			})
		}
	}
	all.Wait()
	// A pod that is not ready now may come back, with a counter that goes on; it
	// has not stood ready meanwhile. One that starts at its address begins below.
	for key, before := range l.pods {
		release, _, _ := strings.Cut(key, " ")
		if _, read := next[key]; !read && serving[release] {
			next[key] = reading{cpu: before.cpu, at: now}
		}
	}
	for endpoint, u := range sums {
		if u == (used{}) {
			continue
		}
		if err := l.Store.AddUsage(ctx, endpoint, now, u.cpu, u.pods); err != nil {
			if ctx.Err() == nil {
				slog.Warn("what an SLM used could not be stored; the ledger lacks it", "endpoint", endpoint, "error", err)
			}
		}
	}
	l.pods, l.started = next, true
}

// serving are the models with pods that answer clients.
func (l *look) serving(ctx context.Context) ([]understudy.Model, error) {
	on, err := l.Store.Models(ctx, understudy.ModelFilter{Phases: []understudy.Phase{understudy.Deployed}})
	if err != nil {
		return nil, err
	}
	leaving, err := l.Store.Models(ctx, understudy.ModelFilter{Draining: true})
	if err != nil {
		return nil, err
	}
	for _, m := range leaving {
		if m.Phase != understudy.Deployed {
			on = append(on, m)
		}
	}
	return on, nil
}

var errUntold = errors.New("the pod does not tell its processor time")

// read asks a pod for its processor time since its start.
func (m *Meter) read(ctx context.Context, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	client := m.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if name != counter {
			continue
		}
		seconds, err := strconv.ParseFloat(value, 64)
		return time.Duration(seconds * float64(time.Second)), err
	}
	return 0, errors.Join(errUntold, lines.Err())
}
