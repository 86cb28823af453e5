// Package spool keeps records on disk while their database is away: append-only
// segment files of framed records, read back in order and deleted afterwards.
package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrFull says that the spool has reached its limit.
var ErrFull = errors.New("the spool has reached its size limit")

const (
	segmentBytes = 8 << 20 // a segment is sealed from this size on
	suffix       = ".spool"
)

// Spool is safe for concurrent use. Only one process appends to a segment, as
// its name holds the process id, but Replay takes every segment in the folder.
type Spool struct {
	dir   string
	limit int64

	mu     sync.Mutex // appending
	file   *os.File   // the open segment, nil where there is none
	offset int64      // its length
	dirty  bool       // written since the last Sync
	size   int64      // of all segments

	replay sync.Mutex // one replay at a time
}

// Open makes the folder and counts what an earlier process left there. limit
// is the greatest size of all segments together, in bytes.
func Open(dir string, limit int64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool's folder: %w", err)
	}
	s := &Spool{dir: dir, limit: limit}
	names, err := s.segments()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			s.size += info.Size()
		}
	}
	return s, nil
}

// Size returns the bytes that wait, without touching the disk.
func (s *Spool) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Append writes records with one write, all or none. They survive the end of
// the process, and after Sync the end of the machine. It returns ErrFull or
// the disk's error.
func (s *Spool) Append(records ...[]byte) error {
	buf := frame(records)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size+int64(len(buf)) > s.limit {
		return ErrFull
	}
	if s.file == nil {
		name := filepath.Join(s.dir, fmt.Sprintf("%020d-%d%s", time.Now().UnixNano(), os.Getpid(), suffix))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("open a spool segment: %w", err)
		}
		s.file, s.offset = f, 0
	}
	if _, err := s.file.Write(buf); err != nil {
		// Half a record in the middle would hide those after it.
		if cut := s.file.Truncate(s.offset); cut != nil {
			s.seal()
		}
		return fmt.Errorf("write to the spool: %w", err)
	}
	s.offset += int64(len(buf))
	s.size += int64(len(buf))
	s.dirty = true
	if s.offset >= segmentBytes {
		return s.seal()
	}
	return nil
}

// Sync makes what was appended durable; it costs nothing where all is.
func (s *Spool) Sync() error {
	s.mu.Lock()
	f := s.file
	if f == nil || !s.dirty {
		s.mu.Unlock()
		return nil
	}
	s.dirty = false
	s.mu.Unlock()
	if err := f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // closed: sealed meanwhile, with a sync
		return fmt.Errorf("sync the spool: %w", err)
	}
	return nil
}

// seal syncs and closes the open segment. The caller holds mu.
func (s *Spool) seal() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Sync(), s.file.Close())
	s.file, s.dirty = nil, false
	return err
}

// Close syncs and closes; what waits stays on disk.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seal()
}

// segments returns the files' names, oldest first.
func (s *Spool) segments() ([]string, error) {
	entries, err := os.ReadDir(s.dir) // sorted
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the spool: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, filepath.Join(s.dir, e.Name()))
		}
	}
	return names, nil
}
