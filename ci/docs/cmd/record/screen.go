package main

import (
	"strings"
	"time"
	"unicode/utf8"
)

// screen remembers every line that a program wrote, and when each was there:
// it understands what Understudy's display uses (carriage return, line feed,
// erase to the end of the line) and passes over other escape sequences.
type screen struct {
	columns int
	lines   []line
	row     int
	column  int
	rest    []byte // a sequence or rune that is not whole yet
}

// line is all that stood in one row, the last text for ever.
type line struct{ texts []text }

type text struct {
	runes []rune
	from  time.Duration
}

func (t text) String() string { return strings.TrimRight(string(t.runes), " ") }

func (s *screen) write(b []byte, at time.Duration) {
	b = append(s.rest, b...)
	s.rest = nil
	for len(b) > 0 {
		switch b[0] {
		case '\r':
			s.column, b = 0, b[1:]
			continue
		case '\n':
			s.row, s.column, b = s.row+1, 0, b[1:]
			continue
		case 0x1b:
			n, whole := escape(b)
			if !whole {
				s.rest = append([]byte{}, b...)
				return
			}
			if string(b[:n]) == "\x1b[K" {
				s.edit(at, func(r []rune) []rune { return r[:min(len(r), s.column)] })
			}
			b = b[n:]
			continue
		}
		if !utf8.FullRune(b) {
			s.rest = append([]byte{}, b...)
			return
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if r < ' ' {
			continue
		}
		if s.column == s.columns {
			s.row, s.column = s.row+1, 0
		}
		s.edit(at, func(had []rune) []rune {
			for len(had) <= s.column {
				had = append(had, ' ')
			}
			had[s.column] = r
			return had
		})
		s.column++
	}
}

// escape returns the length of the escape sequence that b begins with.
func escape(b []byte) (n int, whole bool) {
	if len(b) < 2 {
		return 0, false
	}
	switch b[1] {
	case '[':
	case ']': // a question or an order to the terminal (ECMA-48's OSC), up to BEL or ESC \
		for i := 2; i < len(b); i++ {
			if b[i] == '\a' || b[i] == '\\' && b[i-1] == 0x1b {
				return i + 1, true
			}
		}
		return 0, false
	default:
		return 2, true
	}
	for i := 2; i < len(b); i++ {
		if b[i] >= 0x40 && b[i] <= 0x7e {
			return i + 1, true
		}
	}
	return 0, false
}

// together is how close two changes of a line are one for the eye.
const together = 100 * time.Millisecond

func (s *screen) edit(at time.Duration, change func([]rune) []rune) {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, line{})
	}
	l := &s.lines[s.row]
	if n := len(l.texts); n == 0 || at-l.texts[n-1].from > together {
		next := text{from: at}
		if n > 0 {
			next.runes = append(next.runes, l.texts[n-1].runes...)
		}
		l.texts = append(l.texts, next)
	}
	last := &l.texts[len(l.texts)-1]
	last.runes = change(last.runes)
}
