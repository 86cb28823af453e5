// Package body reads a request's JSON object at its top level and edits it
// there by splicing bytes: what is not edited stays as the client sent it.
package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Object is a JSON object with the places of its top-level values. It shares
// the bytes that it was parsed from and never changes them.
type Object struct {
	raw    []byte
	open   int // just after the opening brace
	fields []field
}

type field struct {
	name       string
	start, end int // of the value
}

// gjson recurses into nesting without a limit; encoding/json has one.
const recursionLimit = 10_000

// Parse checks that raw is one JSON object in UTF-8 and finds its fields. Its
// errors say what is wrong in words for the one who sent it.
func Parse(raw []byte) (Object, error) {
	if !utf8.Valid(raw) {
		return Object{}, errors.New("the body is not valid UTF-8; send JSON encoded as UTF-8")
	}
	if err := valid(raw); err != nil {
		return Object{}, err
	}
	top := gjson.ParseBytes(raw)
	if !top.IsObject() {
		return Object{}, errors.New("the body is not a JSON object")
	}
	offset := bytes.IndexByte(raw, '{')
	o := Object{raw: raw, open: offset + 1, fields: make([]field, 0, 8)}
	// Raw begins at the brace, and Index is counted from it or from the whole
	// text depending on white space before it; count from the brace.
	top.Index = offset
	top.ForEach(func(k, v gjson.Result) bool {
		o.fields = append(o.fields, field{name: k.Str, start: v.Index, end: v.Index + len(v.Raw)})
		return true
	})
	return o, nil
}

func valid(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return errors.New("the body is empty; send a JSON object")
	}
	if bytes.Count(raw, []byte("["))+bytes.Count(raw, []byte("{")) <= recursionLimit && gjson.ValidBytes(raw) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(raw, &v)
	if err == nil {
		return nil
	}
	if at := new(json.SyntaxError); errors.As(err, &at) {
		return fmt.Errorf("the body is not valid JSON: %v at byte %d", err, at.Offset)
	}
	return fmt.Errorf("the body is not valid JSON: %v", err)
}

// Bytes returns what was parsed.
func (o Object) Bytes() []byte { return o.raw }

// Get returns a top-level value's bytes, nil where it is absent. Of a key that
// comes twice the last counts, as in encoding/json.
func (o Object) Get(name string) []byte {
	for i := len(o.fields) - 1; i >= 0; i-- {
		if f := o.fields[i]; f.name == name {
			return o.raw[f.start:f.end]
		}
	}
	return nil
}

// Has reports whether a value is there and is not null.
func (o Object) Has(name string) bool {
	v := o.Get(name)
	return v != nil && string(v) != "null"
}

// String returns a string value, "" where it is absent or no string.
func (o Object) String(name string) string {
	v := gjson.ParseBytes(o.Get(name))
	if v.Type != gjson.String {
		return ""
	}
	return v.Str
}

// Each calls f with every field in order; of a key that comes twice, the last.
func (o Object) Each(f func(name string, value []byte)) {
	if len(o.fields) > fewFields {
		o.eachOfMany(f)
		return
	}
next:
	for i, x := range o.fields {
		for _, later := range o.fields[i+1:] {
			if later.name == x.name {
				continue next
			}
		}
		f(x.name, o.raw[x.start:x.end])
	}
}

// fewFields are compared with one another faster than a map is made.
const fewFields = 24

func (o Object) eachOfMany(f func(name string, value []byte)) {
	last := make(map[string]int, len(o.fields))
	for i, x := range o.fields {
		last[x.name] = i
	}
	for i, x := range o.fields {
		if last[x.name] == i {
			f(x.name, o.raw[x.start:x.end])
		}
	}
}
