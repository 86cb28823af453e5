package monitor

import (
	"fmt"
	"strings"
	"time"
)

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

func maybePercent(x *float64) string {
	if x == nil {
		return "–"
	}
	return percent(*x)
}

func milliseconds(x *float64) string {
	switch {
	case x == nil:
		return "–"
	case *x >= 10_000:
		return fmt.Sprintf("%.0f s", *x/1000)
	case *x >= 1000:
		return fmt.Sprintf("%.1f s", *x/1000)
	}
	return fmt.Sprintf("%.0f ms", *x)
}

// usd has its sign before the dollar's.
func usd(x float64) string {
	sign := ""
	if x < 0 {
		sign, x = "-", -x
	}
	switch {
	case x >= 100:
		return fmt.Sprintf("%s$%.0f", sign, x)
	case x > 0 && x < 0.1:
		return fmt.Sprintf("%s$%.4f", sign, x)
	}
	return fmt.Sprintf("%s$%.2f", sign, x)
}

func size(n int64) string {
	switch {
	case n <= 0:
		return "–"
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}

func age(now time.Time, since *time.Time) string {
	if since == nil {
		return "–"
	}
	d := now.Sub(*since)
	switch {
	case d < time.Second:
		return "0 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// bar draws how much is done.
func bar(done, total, width int) string {
	if total <= 0 {
		return ""
	}
	full := min(done*width/total, width)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full) + fmt.Sprintf(" %d/%d", done, total)
}

// spark draws values as heights, the newest last.
func spark(values []int64, width int) string {
	const levels = "▁▂▃▄▅▆▇█"
	values = values[max(0, len(values)-max(width, 0)):]
	var most int64
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == 0:
			b.WriteByte(' ')
		default:
			b.WriteRune([]rune(levels)[(v*8-1)/most])
		}
	}
	return b.String()
}
