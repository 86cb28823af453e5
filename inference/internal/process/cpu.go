package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc, the same on every Linux that Go runs on.
const tick = time.Second / 100

// CPU returns the processor time of this process and of every model server
// that it has run. ok is false where the system does not tell.
func (s *Supervisor) CPU() (used time.Duration, ok bool) {
	running, ok := groupTime(int(s.pid.Load()))
	if !ok {
		return 0, false
	}
	used = running + rusage(syscall.RUSAGE_SELF) + rusage(syscall.RUSAGE_CHILDREN)
	// A child's time moves from the first sum to the last when it is reaped; a
	// look in between must not make a counter fall.
	for {
		most := s.cpu.Load()
		if int64(used) <= most {
			return time.Duration(most), true
		}
		if s.cpu.CompareAndSwap(most, int64(used)) {
			return used, true
		}
	}
}

func rusage(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// groupTime sums the running processes of a group, which a child leads; 0 is
// no group.
func groupTime(group int) (sum time.Duration, ok bool) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return 0, false
	}
	if group == 0 {
		return 0, true
	}
	for _, name := range stats {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		if of, used, err := parseStat(raw); err == nil && of == group {
			sum += used
		}
	}
	return sum, true
}

// parseStat reads the process group and the times, those of reaped children
// too, from a line of /proc/<pid>/stat.
func parseStat(raw []byte) (group int, used time.Duration, err error) {
	// The command's name is in parentheses and may hold anything.
	after := raw[bytes.LastIndexByte(raw, ')')+1:]
	f := strings.Fields(string(after)) // from the third field on: state
	if len(f) < 15 {
		return 0, 0, fmt.Errorf("a line of %d fields", len(f))
	}
	if group, err = strconv.Atoi(f[2]); err != nil {
		return 0, 0, err
	}
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		used += time.Duration(n) * tick
	}
	return group, used, nil
}
