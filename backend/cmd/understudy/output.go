package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes v as JSON, or rows as a table with a header line.
func (a *app) print(v any, header string, rows [][]string) error {
	if a.format == "json" {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(strings.Split(header, ","), "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// line writes v as JSON on one line.
func (a *app) line(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// usd has its sign before the dollar's.
func usd(x float64) string {
	if x < 0 {
		return fmt.Sprintf("-$%.4f", -x)
	}
	return fmt.Sprintf("$%.4f", x)
}

func ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
