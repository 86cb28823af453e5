package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	rowHeight, charWidth, margin = 19, 8, 16
	// A line that is drawn again and again is shown no more often than this.
	frame = 200 * time.Millisecond
)

// draw writes the recording, its time scaled to length. A viewer that does not
// animate sees the last picture.
func draw(w io.Writer, s *screen, command string, took, length time.Duration) {
	scale := func(t time.Duration) float64 { return min(1, t.Seconds()/took.Seconds()) * length.Seconds() }
	widest := s.columns
	for _, l := range s.lines {
		for _, t := range l.texts {
			widest = max(widest, utf8.RuneCountInString(t.String()))
		}
	}
	rows := len(s.lines) + 2
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="Recording of %[3]s">`+"\n",
		widest*charWidth+2*margin, rows*rowHeight+2*margin, escaped(command))
	fmt.Fprintf(w, "<title>%s: a run of %.0f seconds, shown in %.0f</title>\n", escaped(command), took.Seconds(), length.Seconds())
	fmt.Fprintln(w, `<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#d6deeb}.c{fill:#82aaff}.d{fill:#637777}.g{fill:#addb67}.v{visibility:hidden}</style>`)
	fmt.Fprintln(w, `<rect width="100%" height="100%" rx="8" fill="#011627"/>`)
	put(w, 0, "c", "$ "+command, "")
	for row, l := range s.lines {
		last := len(l.texts) - 1
		for i := 0; i < last; i = next(l, i, scale) {
			if t := l.texts[i]; t.String() != "" {
				put(w, row+1, class(t.String())+" v", t.String(), fmt.Sprintf(`<set attributeName="visibility" to="visible" begin="%.2fs" end="%.2fs"/>`,
					scale(t.from), scale(l.texts[next(l, i, scale)].from)))
			}
		}
		if last >= 0 && l.texts[last].String() != "" {
			t := l.texts[last]
			put(w, row+1, class(t.String()), t.String(), fmt.Sprintf(`<set attributeName="visibility" to="hidden" begin="0s" end="%.2fs"/>`, scale(t.from)))
		}
	}
	put(w, rows-1, "d", fmt.Sprintf("a real run of %.0f s, shown in %.0f s", took.Seconds(), length.Seconds()), "")
	fmt.Fprintln(w, "</svg>")
}

// next is the text of the line that is shown after text i: one a frame later,
// or the last.
func next(l line, i int, scale func(time.Duration) float64) int {
	for j := i + 1; j < len(l.texts)-1; j++ {
		if scale(l.texts[j].from)-scale(l.texts[i].from) >= frame.Seconds() {
			return j
		}
	}
	return len(l.texts) - 1
}

func class(s string) string {
	switch {
	case strings.Contains(s, "✓"):
		return "g"
	case strings.Contains(s, "░") || strings.Contains(s, "█"):
		return "c"
	}
	return ""
}

func put(w io.Writer, row int, class, s, animation string) {
	fmt.Fprintf(w, `<text x="%d" y="%d" class="%s">%s%s</text>`+"\n", margin, margin+(row+1)*rowHeight-5, class, animation, escaped(s))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
