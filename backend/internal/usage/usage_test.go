package usage

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// pod tells a processor time.
type pod struct {
	*httptest.Server
	mu  sync.Mutex
	cpu float64
	bad bool
}

func newPod(t *testing.T, cpu float64) *pod {
	p := &pod{cpu: cpu}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.bad {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "# TYPE %s counter\n%s_other 9\n%s %g\n", counter, counter, counter, p.cpu)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pod) set(cpu float64, bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpu, p.bad = cpu, bad
}

type memory struct {
	models []understudy.Model
	cpu    map[string]time.Duration
	pods   map[string]time.Duration
}

func (m *memory) Models(_ context.Context, f understudy.ModelFilter) (out []understudy.Model, _ error) {
	for _, x := range m.models {
		if f.Draining && x.DrainingSince != nil || slices.Contains(f.Phases, x.Phase) {
			out = append(out, x)
		}
	}
	return out, nil
}

func (m *memory) AddUsage(_ context.Context, endpoint string, _ time.Time, cpu, pods time.Duration) error {
	m.cpu[endpoint] += cpu
	m.pods[endpoint] += pods
	return nil
}

type addresses map[string][]string

func (a addresses) Ready(release string) []string { return a[release] }

func TestProcessorTimeIsAddedUpByEndpoint(t *testing.T) {
	first, second, old := newPod(t, 100), newPod(t, 7), newPod(t, 50)
	now := time.Now()
	db := &memory{cpu: map[string]time.Duration{}, pods: map[string]time.Duration{}, models: []understudy.Model{
		{Endpoint: "a", Release: "slm-a-v2", Phase: understudy.Deployed},
		{Endpoint: "a", Release: "slm-a-v1", Phase: understudy.Available, DrainingSince: &now},
		{Endpoint: "b", Release: "slm-b-v1", Phase: understudy.Deployed},
		{Endpoint: "c", Release: "slm-c-v1", Phase: understudy.Available},
	}}
	where := addresses{"slm-a-v2": {first.URL}, "slm-a-v1": {old.URL}, "slm-c-v1": {first.URL}}
	l := look{Meter: &Meter{Store: db, Addresses: where}, pods: map[string]reading{}}
	take := func(after time.Duration) {
		t.Helper()
		now = now.Add(after)
		l.take(t.Context(), now)
	}
	want := func(what string, cpu, pods time.Duration) {
		t.Helper()
		if db.cpu["a"] != cpu || db.pods["a"] != pods {
			t.Errorf("%s: %s of processor time and %s ready, want %s and %s", what, db.cpu["a"], db.pods["a"], cpu, pods)
		}
	}
	take(0)
	want("what was before the first look is not known", 0, 0)
	first.set(103, false)
	old.set(51, false)
	take(15 * time.Second)
	want("both versions count", 4*time.Second, 30*time.Second)
	where["slm-a-v1"], where["slm-a-v2"] = nil, []string{first.URL, second.URL}
	take(15 * time.Second)
	want("a pod that has come counts from its start", 11*time.Second, 45*time.Second)
	second.set(2, false)
	first.set(0, true)
	take(15 * time.Second)
	want("one that started anew from there, one that is silent later", 13*time.Second, 60*time.Second)
	first.set(110, false)
	take(15 * time.Second)
	want("the silence is made up for", 20*time.Second, 105*time.Second)
	where["slm-a-v2"] = []string{second.URL}
	first.set(115, false)
	take(15 * time.Second)
	take(15 * time.Second)
	want("one that is not ready counts later", 20*time.Second, 135*time.Second)
	where["slm-a-v2"] = []string{first.URL, second.URL}
	take(15 * time.Second)
	want("and goes on from where it was, ready since the look before", 25*time.Second, 165*time.Second)
	where["slm-a-v2"] = []string{second.URL}
	take(15 * time.Second)
	first.set(3, false)
	where["slm-a-v2"] = []string{first.URL, second.URL}
	take(15 * time.Second)
	want("another pod at its address counts from its start", 28*time.Second, 210*time.Second)
	if len(db.cpu) != 1 {
		t.Errorf("counted for %v: b has no pods, and c does not serve", db.cpu)
	}
}

func TestTheLastLookIsAtTheEnd(t *testing.T) {
	p := newPod(t, 1)
	db := &memory{cpu: map[string]time.Duration{}, pods: map[string]time.Duration{}, models: []understudy.Model{{Endpoint: "a", Release: "r", Phase: understudy.Deployed}}}
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan struct{}, 2)
	m := &Meter{Store: db, Addresses: addresses{"r": {p.URL}}, Every: time.Hour, Now: func() time.Time { looked <- struct{}{}; return time.Now() }}
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	<-looked
	// The first look is over when the second begins; the counter moves between.
	cancel()
	<-done
	if len(looked) != 1 {
		t.Errorf("%d looks after the end", len(looked))
	}
}
