package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func open(t *testing.T, dir string, limit int64) *Spool {
	t.Helper()
	s, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func readAll(t *testing.T, s *Spool) (got []string, last Replayed) {
	t.Helper()
	for s.Size() > 0 {
		r, err := s.Replay(3, func(rs [][]byte) error {
			for _, r := range rs {
				got = append(got, string(r))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		last.Records, last.Damaged, last.Torn = last.Records+r.Records, last.Damaged+r.Damaged, last.Torn+r.Torn
	}
	return got, last
}

func TestRecordsComeBackInOrderAndOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data[1]*") // no pattern
	var want []string
	for round := range 3 { // each round is a process of its own
		s := open(t, dir, 1<<20)
		for i := range 10 {
			r := fmt.Sprintf("record %d of round %d", i, round)
			want = append(want, r)
			if err := s.Append([]byte(r)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	s := open(t, dir, 1<<20)
	if got, _ := readAll(t, s); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 || s.Size() != 0 {
		t.Errorf("%v is left, size %d", left, s.Size())
	}
}

func TestWhatIsRefusedStaysForTheNextReplay(t *testing.T) {
	s := open(t, t.TempDir(), 1<<20)
	if err := s.Append([]byte("a"), []byte("b"), []byte("c"), []byte("d")); err != nil {
		t.Fatal(err)
	}
	away, calls := errors.New("the database is away"), 0
	_, err := s.Replay(2, func([][]byte) error {
		if calls++; calls == 2 {
			return away
		}
		return nil
	})
	if err != away {
		t.Fatal(err)
	}
	if err := s.Append([]byte("e")); err != nil {
		t.Fatal(err)
	}
	if got, _ := readAll(t, s); !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("got %q", got)
	}
}

func TestADamagedSegmentGivesWhatIsWholeInIt(t *testing.T) {
	whole := frame([][]byte{[]byte("first"), []byte("second"), []byte("third")})
	flipped := bytes.Clone(whole)
	flipped[header+2]++
	for name, c := range map[string]struct {
		file          []byte
		want          []string
		damaged, torn int
	}{
		"a torn tail":       {whole[:len(whole)-2], []string{"first", "second"}, 0, header + 3},
		"half a header":     {append(bytes.Clone(whole), 9, 0, 0), []string{"first", "second", "third"}, 0, 3},
		"zeros at the end":  {append(bytes.Clone(whole), make([]byte, 64)...), []string{"first", "second", "third"}, 0, 64},
		"a flipped bit":     {flipped, []string{"second", "third"}, 1, 0},
		"an empty file":     {nil, nil, 0, 0},
		"nothing but noise": {bytes.Repeat([]byte{0xff}, 50), nil, 0, 50},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "00000000000000000001-1.spool"), c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir, 1<<20)
			var got []string
			r, err := s.Replay(10, func(rs [][]byte) error {
				for _, r := range rs {
					got = append(got, string(r))
				}
				return nil
			})
			if err != nil || !slices.Equal(got, c.want) || r.Damaged != c.damaged || r.Torn != c.torn {
				t.Errorf("%v %q %+v", err, got, r)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func TestSegmentsThatSomebodyRemovedAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Append([]byte("removed")); err != nil {
		t.Fatal(err)
	}
	names, err := s.segments()
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Replay(10, nil); err != nil || done.Records != 0 || s.Size() != 0 {
		t.Errorf("%+v, %v; %d bytes wait", done, err, s.Size())
	}
	if err := s.Append([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	var got []string
	_, err = s.Replay(10, func(records [][]byte) error {
		for _, r := range records {
			got = append(got, string(r))
		}
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != "kept" || s.Size() != 0 {
		t.Errorf("%q, %v; %d bytes wait", got, err, s.Size())
	}
}

func TestTheLimitHolds(t *testing.T) {
	s := open(t, t.TempDir(), 40)
	if err := s.Append(bytes.Repeat([]byte("x"), 30)); err != nil {
		t.Fatal(err)
	}
	if err := s.Append([]byte("yyy")); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	readAll(t, s)
	if err := s.Append([]byte("yyy")); err != nil {
		t.Errorf("after the replay: %v", err)
	}
}

func TestAppendAndReplayAtOnceLoseNothing(t *testing.T) {
	s := open(t, t.TempDir(), 1<<30)
	const writers, each = 4, 200
	seen := map[string]int{}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := s.Append([]byte(fmt.Sprint(w, "/", i))); err != nil {
					t.Error(err)
				}
				if i%50 == 0 {
					if err := s.Sync(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for running := true; running || s.Size() > 0; {
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := s.Replay(7, func(rs [][]byte) error {
			for _, r := range rs {
				seen[string(r)]++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d came", len(seen), writers*each)
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", k, n)
		}
	}
}
