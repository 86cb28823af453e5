package sse

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func all(t *testing.T, in io.Reader) (data []string, raw []byte, err error) {
	t.Helper()
	r := NewReader(in)
	for {
		e, err := r.Next()
		if err != nil {
			return data, raw, err
		}
		raw = append(raw, e.Raw...)
		if e.Data != nil {
			data = append(data, string(e.Data))
		}
	}
}

func TestEventsAreSplitAndNoByteIsLost(t *testing.T) {
	long := strings.Repeat("x", 300_000)
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"two events":                {"data: a\n\ndata: b\n\n", []string{"a", "b"}},
		"carriage returns":          {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		"no space after the colon":  {"data:a\n\n", []string{"a"}},
		"comments and blank lines":  {": ping\n\n\n\ndata: a\n\n", []string{"a"}},
		"an event of two lines":     {"event: x\ndata: a\ndata: b\nid: 3\n\n", []string{"a\nb"}},
		"no blank line at the end":  {"data: a\n\ndata: [DONE]", []string{"a", "[DONE]"}},
		"a line of 300 kB":          {"data: " + long + "\n\ndata: b\n\n", []string{long, "b"}},
		"llama.cpp's old error":     {"error: {\"code\":500}\n\n", []string{`{"code":500}`}},
		"a line that is no field":   {"hello\n\ndata: a\n\n", []string{"a"}},
		"nothing":                   {"", nil},
		"data that holds a newline": {"data: a\\n\\nb\n\n", []string{`a\n\nb`}},
	} {
		t.Run(name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{
				"at once":      strings.NewReader(c.in),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
			} {
				data, raw, err := all(t, in)
				if err != io.EOF || !slices.Equal(data, c.want) || string(raw) != c.in {
					t.Errorf("%s: %v, data %.80q, %d bytes of %d", how, err, data, len(raw), len(c.in))
				}
			}
		})
	}
}

func TestAnEventCutInHalfIsNotGivenOut(t *testing.T) {
	broken := errors.New("connection reset")
	data, raw, err := all(t, io.MultiReader(strings.NewReader("data: a\n\ndata: {\"half"), iotest.ErrReader(broken)))
	if err != broken || !slices.Equal(data, []string{"a"}) || string(raw) != "data: a\n\n" {
		t.Errorf("%v %q %q", err, data, raw)
	}
}

func TestAnEndlessEventIsPassedOnInPieces(t *testing.T) {
	in := "data: a\n\ndata: " + strings.Repeat("x", 2*MaxEvent+5) + "\n\ndata: b\n\n"
	data, raw, err := all(t, strings.NewReader(in))
	if err != io.EOF || !slices.Equal(data, []string{"a", "b"}) || string(raw) != in {
		t.Errorf("%v %.40q, %d bytes of %d", err, data, len(raw), len(in))
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"data: a\n\ndata: b\r\n\r\n", "\r\n\r\n: c\n\n", "data:\n\r\n", "error: x\n\nevent: error\ndata: y\n\n", "a\r\n\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d1, raw, err := all(t, bytes.NewReader(in))
		if err != io.EOF || !bytes.Equal(raw, in) {
			t.Fatalf("%v: %q became %q", err, in, raw)
		}
		d2, raw, err := all(t, iotest.OneByteReader(bytes.NewReader(in)))
		if err != io.EOF || !bytes.Equal(raw, in) || !slices.Equal(d1, d2) {
			t.Fatalf("%v: byte by byte %q became %q; data %q and %q", err, in, raw, d1, d2)
		}
	})
}
