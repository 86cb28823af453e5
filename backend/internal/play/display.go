package play

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Display shows each act with its progress: on a terminal one line that is
// drawn again, elsewhere a line every few seconds.
type Display struct {
	w        io.Writer
	terminal bool

	mu    sync.Mutex
	drawn bool
	last  time.Time
	text  string
}

// NewDisplay draws on w.
func NewDisplay(w io.Writer) *Display {
	d := &Display{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		d.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return d
}

// Act begins an act.
func (d *Display) Act(n int, title string) {
	d.clear()
	fmt.Fprintf(d.w, "\n%d  %s\n", n, title)
	d.mu.Lock()
	d.last, d.text = time.Time{}, ""
	d.mu.Unlock()
}

const (
	barWidth   = 24
	plainEvery = 5 * time.Second
)

// Progress shows how far the act is: done of total (0 = unknown) and a note.
func (d *Display) Progress(done, total int, format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	text := "   " + note
	if total > 0 {
		filled := min(barWidth*done/total, barWidth)
		text = fmt.Sprintf("   %s%s %d/%d  %s", strings.Repeat("█", filled), strings.Repeat("░", barWidth-filled), done, total, note)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.terminal:
		fmt.Fprintf(d.w, "\r\033[K%s", text)
		d.drawn = true
	case text != d.text && time.Since(d.last) >= plainEvery:
		fmt.Fprintln(d.w, text)
		d.last = time.Now()
	}
	d.text = text
}

// Done ends an act's progress with what came of it.
func (d *Display) Done(format string, args ...any) {
	d.clear()
	fmt.Fprintf(d.w, "   ✓ %s\n", fmt.Sprintf(format, args...))
}

// Say writes a line.
func (d *Display) Say(format string, args ...any) {
	d.clear()
	fmt.Fprintf(d.w, format+"\n", args...)
}

func (d *Display) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drawn {
		fmt.Fprint(d.w, "\r\033[K")
		d.drawn = false
	}
}
