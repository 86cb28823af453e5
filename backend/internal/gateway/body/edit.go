package body

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Edit replaces a top-level value, or adds it where it is absent.
type Edit struct {
	Name  string
	Value []byte // JSON
}

// Splice returns the object's bytes with the edits made and every other byte
// as it was. A key that comes twice is replaced twice, so that no reader sees
// the old value. Without edits the bytes are those that were parsed.
func (o Object) Splice(edits ...Edit) []byte {
	if len(edits) == 0 {
		return o.raw
	}
	size := len(o.raw)
	for _, e := range edits {
		size += len(e.Name) + len(e.Value) + 4
	}
	out := append(make([]byte, 0, size), o.raw[:o.open]...)
	added := false
	for _, e := range edits {
		if o.Get(e.Name) != nil {
			continue
		}
		if added {
			out = append(out, ',')
		}
		out, added = append(appendKey(out, e.Name), e.Value...), true
	}
	if added && len(o.fields) > 0 {
		out = append(out, ',')
	}
	at := o.open
	for _, f := range o.fields {
		i := slices.IndexFunc(edits, func(e Edit) bool { return e.Name == f.name })
		if i < 0 {
			continue
		}
		out = append(append(out, o.raw[at:f.start]...), edits[i].Value...)
		at = f.end
	}
	return append(out, o.raw[at:]...)
}

// Rebuild writes a new object of the fields that keep lets through, in their
// order and each value's bytes as they were, followed by the edits.
func (o Object) Rebuild(keep func(name string) bool, edits ...Edit) []byte {
	out := append(make([]byte, 0, len(o.raw)+64), '{')
	put := func(name string, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendKey(out, name), value...)
	}
	o.Each(func(name string, value []byte) {
		if keep(name) && !slices.ContainsFunc(edits, func(e Edit) bool { return e.Name == name }) {
			put(name, value)
		}
	})
	for _, e := range edits {
		put(e.Name, e.Value)
	}
	return append(out, '}')
}

// Quote returns s as JSON.
func Quote(s string) []byte {
	if plain(s) {
		return append(append(append(make([]byte, 0, len(s)+2), '"'), s...), '"')
	}
	b, _ := json.Marshal(s) // a string always marshals
	return b
}

// plain reports whether a string stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendKey(out []byte, name string) []byte {
	if plain(name) {
		return append(append(append(out, '"'), name...), '"', ':')
	}
	return append(append(out, Quote(name)...), ':')
}

// Canonical writes the fields that keep lets through with their keys in order
// and without white space between tokens. Inside values the order stays, as it
// may mean something to a model (in a schema, say).
func (o Object) Canonical(keep func(name string) bool) []byte {
	type entry struct {
		name  string
		value []byte
	}
	entries := make([]entry, 0, len(o.fields))
	o.Each(func(name string, value []byte) {
		if keep(name) {
			entries = append(entries, entry{name, value})
		}
	})
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	out := append(make([]byte, 0, len(o.raw)), '{')
	for i, e := range entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = compact(appendKey(out, e.name), e.value)
	}
	return append(out, '}')
}

// compact appends valid JSON without the white space between its tokens.
func compact(out, value []byte) []byte {
	start := 0 // of what is to be copied
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case ' ', '\t', '\n', '\r':
			out = append(out, value[start:i]...)
			start = i + 1
		case '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		}
	}
	return append(out, value[start:]...)
}
