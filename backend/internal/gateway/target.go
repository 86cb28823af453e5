package gateway

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	understudy "understudy.dev/backend"
)

// pods counts what each SLM pod is answering now, by base URL.
type pods struct {
	mu   sync.Mutex
	busy map[string]int
}

func newPods() *pods { return &pods{busy: map[string]int{}} }

// pick returns the least busy pod and the next one, equals in random order.
func (p *pods) pick(urls []string) []string {
	if len(urls) < 2 {
		return urls
	}
	order := slices.Clone(urls)
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(p.busy[a], p.busy[b]) })
	return order[:2]
}

// enter counts a request until the function it returns is called.
func (p *pods) enter(url string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy[url]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.busy[url]--; p.busy[url] <= 0 {
			delete(p.busy, url)
		}
	}
}

// breakers has one circuit breaker for each model on stage.
type breakers struct {
	mu  sync.Mutex
	all map[string]*breaker
}

type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

const (
	breakAfter = 5 // failures in a row
	breakFor   = 5 * time.Second
)

// errUncounted wraps an outcome that says nothing about the SLM's health: the
// client left, or the SLM is well but full.
var errUncounted = errors.New("not counted")

func newBreakers() *breakers { return &breakers{all: map[string]*breaker{}} }

func (b *breakers) of(modelID string) *breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cb := b.all[modelID]; cb != nil {
		return cb
	}
	cb := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: modelID, MaxRequests: 1, Timeout: breakFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
		IsExcluded:  func(err error) bool { return errors.Is(err, errUncounted) },
	})
	b.all[modelID] = cb
	return cb
}

// keep forgets models that are no longer on stage.
func (b *breakers) keep(s understudy.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	on := map[string]bool{}
	for _, e := range s.Endpoints {
		if e.Target != nil {
			on[e.Target.ModelID] = true
		}
	}
	for id := range b.all {
		if !on[id] {
			delete(b.all, id)
		}
	}
}
