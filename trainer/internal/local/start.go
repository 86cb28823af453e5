package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"understudy.dev/service/child"
	"understudy.dev/trainer/internal/lock"
)

// await waits until the agent has written its address.
func await(ctx context.Context, process *child.Process, portFile string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("it did not listen within %s", startPatience))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(portFile); err == nil {
			u, err := url.Parse(strings.TrimSpace(string(b)))
			if err != nil || u.Host == "" || u.Scheme != "http" {
				return "", fmt.Errorf("it wrote %q where its address was expected", b)
			}
			return u.String(), nil
		}
		select {
		case <-process.Done():
			return "", fmt.Errorf("%w", endOf(process))
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func endOf(process *child.Process) error {
	if err := process.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// claim takes the lock that a job's agent holds as long as it lives. Where the
// agent of a trainer that was killed still has it, that agent is ended.
func claim(path string) (*os.File, error) {
	f, err := lock.File(path, leavePatience)
	if !errors.Is(err, lock.ErrHeld) {
		return f, err
	}
	b, err := os.ReadFile(path)
	if pid, bad := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && bad == nil && pid > 1 {
		// The lock is held, so somebody of that group lives: the number is
		// not another's.
		slog.Warn("an agent outlived its trainer; it is ended", "pid", pid)
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	return lock.File(path, leavePatience)
}

// note leaves the agent's process id for claim.
func note(held *os.File, pid int) {
	b := []byte(strconv.Itoa(pid) + "\n")
	if _, err := held.WriteAt(b, 0); err == nil {
		_ = held.Truncate(int64(len(b)))
	}
}

// lastLine is the last thing that the agent said, cut.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	b := make([]byte, min(info.Size(), 2000))
	n, _ := f.ReadAt(b, info.Size()-int64(len(b)))
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(b[:n]), "?")), "\n")
	line := lines[len(lines)-1]
	return line[:min(len(line), 300)]
}
