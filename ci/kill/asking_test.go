package kill

import (
	"slices"
	"sync"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// asking is an application that goes on asking while things die. As the OpenAI
// client does, it tries a request again after a connection error; an answer
// with an error status is a failure at once.
type asking struct {
	p    *platform.Platform
	quit chan struct{}
	done chan struct{}
	grew chan struct{} // buffered: one more answer

	mu     sync.Mutex
	told   []told
	last   [lanes]time.Time // when the newest answered request of each lane began
	kills  []time.Time      // of the backend
	failed []error
	slm    bool
}

type told struct {
	pair string
	at   time.Time
}

const (
	lanes   = 4 // requests at a time
	retries = 2 // the OpenAI client's default
)

func ask(t *testing.T, p *platform.Platform) *asking {
	t.Helper()
	a := &asking{p: p, quit: make(chan struct{}), done: make(chan struct{}), grew: make(chan struct{}, 1)}
	go func() {
		defer close(a.done)
		var all sync.WaitGroup
		for lane := range lanes {
			all.Go(func() { a.lane(lane) })
		}
		all.Wait()
	}()
	return a
}

func (a *asking) lane(lane int) {
	for i := lane; ; i += lanes {
		select {
		case <-a.quit:
			return
		default:
		}
		a.one(lane, i%platform.TinyConversations)
	}
}

func (a *asking) one(lane, i int) {
	began := time.Now()
	var err error
	for try := 0; try <= retries; try++ {
		_, header, e := a.p.Completion("tiny", platform.Tiny(i))
		if err = e; err == nil {
			a.mu.Lock()
			a.told = append(a.told, told{header.Get("X-Understudy-Pair"), time.Now()})
			a.last[lane] = began
			a.slm = a.slm || header.Get("X-Understudy-Source") == "slm"
			a.mu.Unlock()
			select {
			case a.grew <- struct{}{}:
			default:
			}
			return
		}
		if header != nil {
			break // the platform answered, and with an error
		}
		time.Sleep(500 * time.Millisecond << try) // the client's own backoff
	}
	a.mu.Lock()
	a.failed = append(a.failed, err)
	a.mu.Unlock()
}

func (a *asking) atLeast(n int) {
	for range a.grew {
		a.mu.Lock()
		enough := len(a.told) >= n
		a.mu.Unlock()
		if enough {
			return
		}
	}
}

func (a *asking) killing(command string) {
	if command != "bin/understudy serve" {
		return
	}
	a.mu.Lock()
	a.kills = append(a.kills, time.Now())
	a.mu.Unlock()
}

// recovered says that every lane was answered anew since the backend was last
// killed. Kills that follow each other sooner could meet one request three
// times, and no client tries oftener.
func (a *asking) recovered() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kills) == 0 {
		return true
	}
	kill := a.kills[len(a.kills)-1]
	return !slices.ContainsFunc(a.last[:], func(began time.Time) bool { return began.Before(kill) })
}

func (a *asking) servedBySLM() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.slm
}

func (a *asking) stop(t *testing.T) {
	t.Helper()
	close(a.quit)
	<-a.done
	if len(a.failed) > 0 {
		t.Errorf("%d of %d requests failed; the first: %v", len(a.failed), len(a.failed)+len(a.told), a.failed[0])
	}
}

// check looks for every pair that a client was told of, but those of a killed
// backend's last group.
func (a *asking) check(t *testing.T, p *platform.Platform) {
	t.Helper()
	want := map[string]bool{}
	for _, x := range a.told {
		lost := false
		for _, k := range a.kills {
			lost = lost || (x.at.After(k.Add(-flushWindow)) && x.at.Before(k.Add(flushWindow)))
		}
		if !lost {
			want[x.pair] = true
		}
	}
	all := len(want)
	deadline := time.Now().Add(30 * time.Second)
	for len(want) > 0 && time.Now().Before(deadline) {
		path := "/endpoints/tiny/pairs?limit=500"
		for cursor := ""; ; {
			var page struct {
				Items []struct{ ID string }
				Next  string
			}
			if err := p.API("GET", path+cursor, nil, &page); err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Items {
				delete(want, x.ID)
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
	}
	t.Logf("%d pairs were told, %d of them beyond a killed backend's last group; %d of those are missing", len(a.told), all, len(want))
	if len(want) > 0 {
		t.Errorf("%d pairs that a client was told of are missing", len(want))
	}
}
