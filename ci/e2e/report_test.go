package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// report is the closing table: how each scenario ended and what it measured.
var report struct {
	sync.Mutex
	scenarios []*scenario
}

type scenario struct {
	name, ended string
	took        time.Duration
	results     []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	var table strings.Builder
	for _, s := range report.scenarios {
		fmt.Fprintf(&table, "%-22s %-7s %5.0f s\n", s.name, s.ended, s.took.Seconds())
		for _, r := range s.results {
			fmt.Fprintf(&table, "    %s\n", strings.ReplaceAll(r, "\n", "\n    "))
		}
	}
	if table.Len() > 0 {
		fmt.Printf("\nWhat was shown on the cluster:\n\n%s\n", table.String())
	}
	os.Exit(code)
}

// begin enters a scenario into the closing table, and skips it without a
// cluster.
func begin(t *testing.T) {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG is not set: `make e2e` starts a cluster")
	}
	s, began := &scenario{name: t.Name(), ended: "cut off"}, time.Now()
	report.Lock()
	defer report.Unlock()
	report.scenarios = append(report.scenarios, s)
	t.Cleanup(func() {
		s.ended, s.took = "passed", time.Since(began)
		if t.Failed() {
			s.ended = "FAILED"
		}
	})
}

// result says what a scenario measured, now and in the closing table.
func result(t *testing.T, format string, args ...any) {
	t.Helper()
	said := fmt.Sprintf(format, args...)
	t.Log(said)
	report.Lock()
	defer report.Unlock()
	for _, s := range report.scenarios {
		if s.name == t.Name() {
			s.results = append(s.results, said)
		}
	}
}
