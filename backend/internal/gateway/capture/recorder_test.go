package capture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	understudy "understudy.dev/backend"
)

// store is a database that a test takes away, slows down or makes picky.
type store struct {
	mu      sync.Mutex
	rows    map[string]understudy.Pair
	order   []string
	batches []int
	down    bool          // neither inserts nor answers a ping
	unwell  bool          // answers a ping and refuses every insert
	bad     string        // an id that it refuses
	hold    chan struct{} // inserts wait until it is closed
}

func newStore() *store { return &store{rows: map[string]understudy.Pair{}} }

var errDown = errors.New("the database is down")

func (s *store) InsertPairs(ctx context.Context, pairs []understudy.Pair) error {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.unwell {
		return errDown
	}
	for _, p := range pairs {
		if p.ID == s.bad {
			return errors.New("this row cannot be stored")
		}
	}
	s.batches = append(s.batches, len(pairs))
	for _, p := range pairs {
		if _, ok := s.rows[p.ID]; !ok {
			s.rows[p.ID] = p
			s.order = append(s.order, p.ID)
		}
	}
	return nil
}

func (s *store) Ping(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	return nil
}

func (s *store) set(f func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func item(n int) Item {
	p := understudy.Pair{ID: id(n), Endpoint: "e", Request: []byte(`{"messages":[]}`), Answer: understudy.Answer{Text: "é\n"}, Latency: time.Second, CreatedAt: time.Unix(int64(n), 0).UTC()}
	return Item{Bytes: 100, Pair: func() understudy.Pair { return p }}
}

func id(n int) string { return fmt.Sprintf("pair-%06d", n) }

func start(t *testing.T, s *store, change ...func(*Config)) *Recorder {
	t.Helper()
	cfg := Config{Store: s, Dir: filepath.Join(t.TempDir(), "spool")}
	for _, f := range change {
		f(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, r) })
	return r
}

func end(t *testing.T, r *Recorder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestPairsGoInByTheBatch(t *testing.T) {
	s := newStore()
	r := start(t, s)
	for n := range 3000 {
		r.Submit(item(n))
	}
	await(t, "all are stored", func() bool { return s.count() == 3000 })
	if len(s.batches) > 100 || slices.Max(s.batches) > batchRows {
		t.Errorf("%d batches, the largest of %d", len(s.batches), slices.Max(s.batches))
	}
	if p := s.rows[id(7)]; p.Answer.Text != "é\n" || p.Latency != time.Second || !p.CreatedAt.Equal(time.Unix(7, 0)) {
		t.Errorf("%+v", p)
	}
}

func TestADatabaseOutageLosesAndDoublesNothing(t *testing.T) {
	s := newStore()
	r := start(t, s)
	const n = 4000
	for i := range n {
		switch i {
		case 1000:
			await(t, "the first are stored", func() bool { return s.count() == 1000 })
			s.set(func(s *store) { s.down = true })
		case 3000:
			await(t, "the others are on disk", func() bool { return testutil.ToFloat64(r.meter.spooled) >= 2000 })
			s.set(func(s *store) { s.down = false })
		}
		r.Submit(item(i))
	}
	await(t, "all are stored", func() bool { return s.count() == n && r.Spooled() == 0 })
	if lost := testutil.CollectAndCount(r.meter.dropped); lost != 0 {
		t.Errorf("%d causes of loss", lost)
	}
}

func TestWhatIsOnDiskAtTheEndComesBackAtTheNextStart(t *testing.T) {
	s := newStore()
	s.down = true
	dir := t.TempDir()
	for round := range 3 {
		r := start(t, s, func(c *Config) { c.Dir = dir })
		for n := range 700 {
			r.Submit(item(700*round + n))
		}
		end(t, r)
	}
	if s.count() != 0 {
		t.Fatal("stored in a database that is down")
	}
	s.set(func(s *store) { s.down = false })
	r := start(t, s, func(c *Config) { c.Dir = dir })
	await(t, "all are stored", func() bool { return s.count() == 2100 && r.Spooled() == 0 })
	// A batch that the database refuses comes after the one that was spooled
	// meanwhile, so order is promised between segments.
	for i := 1; i < len(s.order); i++ {
		if round(s.order[i]) < round(s.order[i-1]) {
			t.Fatalf("%s came after %s", s.order[i], s.order[i-1])
		}
	}
}

func round(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "pair-"))
	return n / 700
}

func TestADatabaseThatHangsHoldsNothingInMemory(t *testing.T) {
	s := newStore()
	s.hold = make(chan struct{})
	r := start(t, s)
	for n := range 1500 {
		r.Submit(item(n))
	}
	await(t, "everything is on disk", func() bool { return testutil.ToFloat64(r.meter.spooled) >= 1500 })
	close(s.hold)
	await(t, "all are stored", func() bool { return s.count() == 1500 && r.Spooled() == 0 })
}

func TestAFullQueueGoesToTheDisk(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"by count": func(c *Config) { c.QueueItems = 1 },
		"by bytes": func(c *Config) { c.QueueBytes = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			r := start(t, s, change)
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					for n := range 200 {
						r.Submit(item(1000*w + n))
					}
				})
			}
			wg.Wait()
			await(t, "all are stored", func() bool { return s.count() == 1600 && r.Spooled() == 0 })
		})
	}
}

func TestARowThatTheDatabaseRefusesIsSetAside(t *testing.T) {
	s := newStore()
	s.bad = id(321)
	r := start(t, s)
	for n := range 1000 {
		r.Submit(item(n))
	}
	await(t, "all others are stored", func() bool { return s.count() == 999 && r.Spooled() == 0 })
	aside, err := os.ReadFile(filepath.Join(r.cfg.Dir, "rejected.jsonl"))
	if err != nil || strings.Count(string(aside), "\n") != 1 || !strings.Contains(string(aside), id(321)) {
		t.Errorf("%v %s", err, aside)
	}
}

func TestADatabaseThatIsUnwellRejectsNothing(t *testing.T) {
	s := newStore()
	s.unwell = true
	r := start(t, s)
	for n := range 600 {
		r.Submit(item(n))
	}
	await(t, "a replay was refused more than once", func() bool {
		return testutil.ToFloat64(r.meter.spooled) >= 600 && testutil.ToFloat64(r.meter.refused) >= 3
	})
	s.set(func(s *store) { s.unwell = false })
	await(t, "all are stored", func() bool { return s.count() == 600 && r.Spooled() == 0 })
	if _, err := os.Stat(filepath.Join(r.cfg.Dir, "rejected.jsonl")); err == nil {
		t.Error("rows were set aside")
	}
}

func TestAFullDiskStopsNothingButCapture(t *testing.T) {
	s := newStore()
	s.down = true
	r := start(t, s, func(c *Config) { c.SpoolLimit = 2000 })
	for n := range 100 {
		r.Submit(item(n))
	}
	await(t, "the losses are counted", func() bool {
		return testutil.ToFloat64(r.meter.dropped.WithLabelValues("spool_full"))+testutil.ToFloat64(r.meter.spooled) == 100
	})
	if r.Spooled() > 2000 {
		t.Errorf("%d bytes on disk", r.Spooled())
	}
	s.set(func(s *store) { s.down = false })
	await(t, "what was kept is stored", func() bool { return r.Spooled() == 0 })
	r.Submit(item(1000))
	await(t, "capture goes on", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, ok := s.rows[id(1000)]
		return ok
	})
}

func TestADiskThatRefusesIsNoTrouble(t *testing.T) {
	s := newStore()
	s.down = true
	r := start(t, s)
	if err := os.RemoveAll(r.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	r.Submit(item(1))
	await(t, "the loss is counted", func() bool { return testutil.ToFloat64(r.meter.dropped.WithLabelValues("disk")) == 1 })
}

// sink is the shared spool.
type sink struct {
	mu      sync.Mutex
	records [][]byte
	down    bool
}

func (s *sink) Spool(_ context.Context, records [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("Redis is down")
	}
	for _, r := range records {
		s.records = append(s.records, slices.Clone(r))
	}
	return nil
}

func (s *sink) DrainSpool(_ context.Context, f func([][]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f(s.records); err != nil {
		return err
	}
	s.records = nil
	return nil
}

func TestAtTheEndTheSpoolGoesWhereOthersFindIt(t *testing.T) {
	for name, fails := range map[string]func(*store){
		"the database is down": func(s *store) { s.down = true },
		"the database hangs":   func(s *store) { s.hold = make(chan struct{}) },
	} {
		t.Run(name, func(t *testing.T) {
			s, shared := newStore(), &sink{}
			fails(s)
			r := start(t, s, func(c *Config) { c.Sink = shared })
			for n := range 800 {
				r.Submit(item(n))
			}
			end(t, r)
			if len(shared.records) != 800 || r.Spooled() != 0 {
				t.Errorf("%d records were handed over, %d bytes are left", len(shared.records), r.Spooled())
			}
			s.set(func(s *store) { s.down, s.hold = false, nil })
			start(t, s, func(c *Config) { c.Sink = shared })
			await(t, "another replica has stored them", func() bool { return s.count() == 800 })
		})
	}
}

func TestWithTheSinkDownTooTheDiskKeepsThem(t *testing.T) {
	s, shared := newStore(), &sink{down: true}
	s.down = true
	dir := t.TempDir()
	r := start(t, s, func(c *Config) { c.Sink, c.Dir = shared, dir })
	for n := range 10 {
		r.Submit(item(n))
	}
	end(t, r)
	s.set(func(s *store) { s.down = false })
	start(t, s, func(c *Config) { c.Dir = dir })
	await(t, "they are stored", func() bool { return s.count() == 10 })
}

func TestAnItemAfterTheEndIsKept(t *testing.T) {
	s := newStore()
	dir := t.TempDir()
	r := start(t, s, func(c *Config) { c.Dir = dir })
	end(t, r)
	r.Submit(item(1))
	start(t, s, func(c *Config) { c.Dir = dir })
	await(t, "it is stored", func() bool { return s.count() == 1 })
}
