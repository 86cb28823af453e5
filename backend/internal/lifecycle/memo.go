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
	remaining  int       // prompts without an answer
	moved      time.Time // when remaining last changed
	counted    int64     // pairs when automatic training was last considered
	pruned     time.Time
	billed     time.Time // when the trainer was last asked what trainings cost
	compared   time.Time // when the release was last held against what should be there
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
		m.by[key] = &memo{remaining: -1}
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
