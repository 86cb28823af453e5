package lifecycle

import (
	"sync"
	"time"
)

// memo is what a leadership remembers of a key. Nothing in it matters: losing
// it costs a repeated call or a line said twice.
type memo struct {
	generation int64     // of the model when it was looked at last
	ordered    bool      // the training was ordered from here
	said       time.Time // when progress was last stored and announced
	exam       exam
	lost       time.Time // since when pods of it are ready that nobody can reach
	applied    time.Time // when the release was first applied in this phase
	counted    int64     // pairs when automatic training was last considered
	pruned     time.Time
	billed     time.Time // when the trainer was last asked what trainings cost
	compared   time.Time // when the release was last held against what should be there
}

// exam is how an evaluation's answers come.
type exam struct {
	attempt   int
	remaining int           // prompts without an answer
	looked    time.Time     // when that was read last
	still     time.Duration // for how long nothing changed, as far as it was looked at
}

// idle notes what is left to answer and returns for how long nothing was
// answered. Of the time between two looks no more than most counts: while the
// database or the cluster was away, nobody could have seen an answer.
func (e *exam) idle(attempt, remaining int, now time.Time, most time.Duration) time.Duration {
	if e.attempt != attempt || e.remaining != remaining || e.looked.IsZero() {
		*e = exam{attempt: attempt, remaining: remaining, looked: now}
		return 0
	}
	e.still += min(now.Sub(e.looked), most)
	e.looked = now
	return e.still
}

type memos struct {
	mu sync.Mutex
	by map[string]*memo
}

// of returns the key's memo, made where there is none. One key is worked on by
// one worker at a time, so the memo itself needs no lock but for generation,
// which the survey reads.
func (m *memos) of(key string) *memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by[key] == nil {
		m.by[key] = &memo{}
	}
	return m.by[key]
}

func (m *memos) see(key string, generation int64) {
	memo := m.of(key)
	m.mu.Lock()
	memo.generation = generation
	m.mu.Unlock()
}

// seen reports whether the key was looked at since it has this generation.
func (m *memos) seen(key string, generation int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	memo := m.by[key]
	return memo != nil && memo.generation == generation
}

func (m *memos) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.by, key)
}
