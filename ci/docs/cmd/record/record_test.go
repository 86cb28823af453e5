package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheScreenIsWhatATerminalShows(t *testing.T) {
	s := &screen{columns: 20}
	at := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	s.write([]byte("\x1b]11;?\x1b\\o\x1b]0;title\ane\r\n\x1b[1mtwo\x1b[0m\r\n"), at(1))
	s.write([]byte("\r\x1b[K   1/3 \xe2\x96"), at(2)) // a rune cut in half
	s.write([]byte("\x88"), at(2.01))
	s.write([]byte("\r\x1b"), at(3)) // a sequence cut in half
	s.write([]byte("[K   2/3"), at(3.01))
	s.write([]byte("\r\x1b[Kdone\r\n"+strings.Repeat("x", 25)), at(4))
	var got []string
	for _, l := range s.lines {
		got = append(got, l.texts[len(l.texts)-1].String())
	}
	want := []string{"one", "two", "done", strings.Repeat("x", 20), "xxxxx"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
	var was []string
	for _, x := range s.lines[2].texts {
		was = append(was, x.String())
	}
	if strings.Join(was, "|") != "   1/3 █|   2/3|done" {
		t.Errorf("the third line was %q", was)
	}
}

func TestARecordingIsWellFormedAndShowsTheEnd(t *testing.T) {
	t.Setenv("MAKEFLAGS", "--inherited")
	out := filepath.Join(t.TempDir(), "r.svg")
	var printed, said bytes.Buffer
	if status := run([]string{"-dir", "/", "-out", out, "--", "sh", "-c", `printf '1 <b>\r\033[K2 & 3\n'; test -t 1 && echo terminal; pwd; echo "$MAKEFLAGS"`}, &printed, &said); status != 0 {
		t.Fatalf("exit status %d: %s", status, said.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(printed.String(), "--inherited") {
		t.Error("the command is another make's child")
	}
	for _, want := range []string{"2 &amp; 3", "terminal", ">/</text>", "a real run of"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is missing in\n%s", want, b)
		}
	}
}

func TestALineThatIsDrawnAgainIsShownByTheFrame(t *testing.T) {
	s := &screen{columns: 80}
	for i := range 200 { // 20 seconds, ten a second
		s.write([]byte(fmt.Sprintf("\r\x1b[K%d", i)), time.Duration(i)*101*time.Millisecond)
	}
	s.write([]byte("\r\x1b[Kdone\n"), 20300*time.Millisecond)
	var b bytes.Buffer
	draw(&b, s, "count", 21*time.Second, 10*time.Second)
	if n := strings.Count(b.String(), `to="visible"`); n < 40 || n > 52 {
		t.Errorf("%d frames in 10 seconds, five a second wanted", n)
	}
}

func TestARunThatFailsIsNotRecorded(t *testing.T) {
	out := filepath.Join(t.TempDir(), "r.svg")
	if status := run([]string{"-out", out, "--", "false"}, io.Discard, io.Discard); status != 1 {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a recording was written")
	}
}
