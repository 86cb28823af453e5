package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// Replayed says what a Replay did.
type Replayed struct {
	Records int
	Damaged int // records whose checksum was wrong, left out
	Torn    int // bytes at the end of a segment that are no whole record
}

// Replay gives the oldest segment's records to f, at most max at a time, and
// deletes the segment once f has accepted all of them. An error of f ends the
// replay and is returned; the same records come again next time, so f must
// take a record twice without harm. Records is 0 when nothing waits.
func (s *Spool) Replay(max int, f func(records [][]byte) error) (Replayed, error) {
	s.replay.Lock()
	defer s.replay.Unlock()
	var done Replayed
	names, err := s.segments()
	if err != nil {
		return done, err
	}
	if len(names) == 0 {
		return done, s.nothing()
	}
	name := names[0]
	s.mu.Lock()
	if s.file != nil && s.file.Name() == name {
		err = s.seal()
	}
	s.mu.Unlock()
	if err != nil {
		return done, fmt.Errorf("seal a spool segment: %w", err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return done, fmt.Errorf("read the spool: %w", err)
	}
	records, damaged, torn := unframe(raw)
	done.Damaged, done.Torn = damaged, torn
	for len(records) > 0 {
		n := min(max, len(records))
		if err := f(records[:n]); err != nil {
			return done, err
		}
		done.Records += n
		records = records[n:]
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return done, fmt.Errorf("delete a replayed spool segment: %w", err)
	}
	s.mu.Lock()
	s.size -= int64(len(raw))
	s.mu.Unlock()
	return done, nil
}

// nothing notes that no segment is there, where somebody has removed them
// behind our back: nothing waits then, and the next record begins a new one.
func (s *Spool) nothing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.segments() // one may have been begun meanwhile
	if err != nil || len(names) > 0 {
		return err
	}
	s.size = 0
	return s.seal()
}

// A record is framed as length and CRC-32C of its bytes, both 4 bytes, little
// endian, followed by the bytes. No record is empty, so that a run of zeros
// is no record.
const header = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frame(records [][]byte) []byte {
	size := 0
	for _, r := range records {
		size += header + len(r)
	}
	buf := make([]byte, 0, size)
	for _, r := range records {
		if len(r) == 0 {
			continue
		}
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r)))
		buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(r, castagnoli))
		buf = append(buf, r...)
	}
	return buf
}

func unframe(raw []byte) (records [][]byte, damaged, torn int) {
	for len(raw) >= header {
		n := int64(binary.LittleEndian.Uint32(raw))
		sum := binary.LittleEndian.Uint32(raw[4:])
		if n == 0 || n > int64(len(raw)-header) {
			break
		}
		record := raw[header : header+n]
		raw = raw[header+n:]
		if crc32.Checksum(record, castagnoli) != sum {
			damaged++
			continue
		}
		records = append(records, record)
	}
	return records, damaged, len(raw)
}
