package faults

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// line is what is printed of one fault.
type line struct {
	group, fault, outcome, said string
	pods, left                  int
	usd                         float64
	took                        time.Duration
	failed                      bool
}

var (
	tabling sync.Mutex
	table   []line
)

// tell adds a line to the table, when the test of it ends.
func (w *world) tell(group, fault string, began time.Time, j *job) {
	w.Cleanup(func() {
		st := w.sim.State()
		l := line{group: group, fault: fault, outcome: cmp.Or(j.State, "?"), pods: len(st.Pods), left: st.Alive, usd: st.SpentUSD, took: time.Since(began), failed: w.Failed()}
		if j.StoppedEarly {
			l.outcome += ", stopped early"
		}
		l.said = j.Error
		if l.said == "" && len(j.Notes) > 0 {
			_, l.said, _ = strings.Cut(j.Notes[0][11:], " ")
		}
		tabling.Lock()
		defer tabling.Unlock()
		table = append(table, l)
	})
}

func printTable() {
	if len(table) == 0 {
		return
	}
	slices.SortStableFunc(table, func(a, b line) int { return cmp.Compare(a.group, b.group) })
	t := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\nWHERE\tFAULT\tOUTCOME\tPODS\tLEFT\tUSD\tSECONDS\tSAID")
	bad := 0
	for _, l := range table {
		if l.failed {
			bad++
			l.outcome = "NOT AS IT SHOULD: " + l.outcome
		}
		said := []rune(l.said)
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%.4f\t%.1f\t%s\n", l.group, l.fault, l.outcome, l.pods, l.left, l.usd, l.took.Seconds(), string(said[:min(len(said), 90)]))
	}
	t.Flush()
	fmt.Printf("%d faults, %d not as they should be\n", len(table), bad)
}
