//go:build crash

package crash

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

const armed = true

var (
	counting sync.Mutex
	reached  = map[string]int{}
	// CRASH_AT is "point#n before" or "point#n after"; n counts from 1. The
	// file CRASH_LOG takes a line for each point reached.
	target = os.Getenv("CRASH_AT")
	log    = os.Getenv("CRASH_LOG")
)

func reach(name, when string) {
	counting.Lock()
	defer counting.Unlock()
	if when == "before" {
		reached[name]++
	}
	here := fmt.Sprintf("%s#%d %s", name, reached[name], when)
	if log != "" {
		if f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(f, strings.TrimSpace(here))
			f.Close()
		}
	}
	if here == target {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
