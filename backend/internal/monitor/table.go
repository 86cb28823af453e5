package monitor

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// table lays rows out in columns. One column, the elastic one, gives way where
// the width is not enough; on narrow terminals the last ones are left out.
type table struct {
	header  []string
	rows    [][]string
	elastic int
}

const gap = 2

// least is what the elastic column keeps.
const least = 8

func (t table) lines(width int, head lipgloss.Style) []string {
	widths := make([]int, len(t.header))
	for _, r := range append([][]string{t.header}, t.rows...) {
		for i, c := range r {
			widths[i] = max(widths[i], lipgloss.Width(c))
		}
	}
	shown := len(widths)
	total := func() (n int) {
		for _, w := range widths[:shown] {
			n += w + gap
		}
		return n - gap
	}
	for shown > 1 && total()-widths[t.elastic]+min(least, widths[t.elastic]) > width && shown-1 > t.elastic {
		shown--
	}
	if over := total() - width; over > 0 {
		widths[t.elastic] = max(min(least, widths[t.elastic]), widths[t.elastic]-over)
	}
	row := func(cells []string) string {
		var b strings.Builder
		for i, c := range cells[:shown] {
			c = ansi.Truncate(c, widths[i], "…")
			b.WriteString(c)
			if i < shown-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(c)+gap))
			}
		}
		return ansi.Truncate(b.String(), width, "…")
	}
	out := []string{head.Render(row(t.header))}
	for _, r := range t.rows {
		out = append(out, row(r))
	}
	return out
}
