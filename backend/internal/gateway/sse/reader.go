// Package sse reads server-sent events without changing a byte of them.
package sse

import (
	"bytes"
	"io"
)

// Event is one event. Its slices are valid until the next call of Next.
type Event struct {
	Raw   []byte // as it came, with the blank line that ends it
	Data  []byte // its data lines joined, nil for a comment
	Piece bool   // it is part of an event too long to be read
	Error bool   // it is named an error ("event: error", or llama.cpp's "error: {...}")
}

// Reader splits a stream into events. An event longer than MaxEvent comes in
// pieces that have no Data, so that it still can be passed on.
type Reader struct {
	in      io.Reader
	buf     []byte // unread bytes
	seen    int    // of buf: searched for a blank line without finding one
	store   []byte // what buf is cut from
	err     error
	inPiece bool // the event's beginning was given out as a piece
}

// MaxEvent is the longest event that is read as one, in bytes.
const MaxEvent = 16 << 20

const firstBuffer = 8 << 10

// NewReader returns a Reader over in, which it reads as bytes come.
func NewReader(in io.Reader) *Reader { return &Reader{in: in} }

// Next returns the next event, waiting for it. What follows the last blank
// line at a clean end is the last event. After that it returns io.EOF, or the
// error that ended the stream: then an event cut in half is not given out.
func (r *Reader) Next() (Event, error) {
	for {
		if n := r.boundary(); n > 0 {
			return r.take(n), nil
		}
		if len(r.buf) >= MaxEvent {
			e := Event{Raw: r.buf, Piece: true}
			r.buf, r.seen, r.inPiece = nil, 0, true
			r.store = nil
			return e, nil
		}
		if r.err != nil {
			if r.err == io.EOF && len(r.buf) > 0 {
				return r.take(len(r.buf)), nil
			}
			return Event{}, r.err
		}
		r.fill()
	}
}

// Buffered reports whether Next would return an event without reading.
func (r *Reader) Buffered() bool { return r.boundary() > 0 }

func (r *Reader) take(n int) Event {
	raw := r.buf[:n]
	r.buf, r.seen = r.buf[n:], 0
	if r.inPiece {
		r.inPiece = false
		return Event{Raw: raw, Piece: true}
	}
	e := Event{Raw: raw}
	e.parse()
	return e
}

// boundary returns the length of the first whole event, 0 where none is.
func (r *Reader) boundary() int {
	if len(r.buf) > 0 && r.buf[0] == '\n' { // a stray blank line
		return 1
	}
	if bytes.HasPrefix(r.buf, []byte("\r\n")) {
		return 2
	}
	for at := r.seen; ; {
		i := bytes.IndexByte(r.buf[at:], '\n')
		if i < 0 {
			r.seen = len(r.buf)
			return 0
		}
		at += i + 1
		rest := r.buf[at:]
		switch {
		case len(rest) > 0 && rest[0] == '\n':
			return at + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r': // look again from this line's end
			r.seen = at - 1
			return 0
		}
	}
}

// fill reads once. Bytes given out earlier stay where they are until the
// buffer has to move, which only Next causes.
func (r *Reader) fill() {
	if free := cap(r.buf) - len(r.buf); free < 1<<10 {
		size := max(firstBuffer, 2*len(r.buf))
		if cap(r.store) >= size && len(r.buf) < cap(r.store)/2 {
			r.buf = r.store[:copy(r.store[:cap(r.store)], r.buf)]
		} else {
			r.store = make([]byte, size)
			r.buf = r.store[:copy(r.store, r.buf)]
		}
	}
	n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	r.err = err
}
