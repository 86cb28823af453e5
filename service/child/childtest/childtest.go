//go:build linux

// Package childtest tells tests when a process that is not their child has ended.
package childtest

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = time.Minute

// AwaitEnd waits until the process has ended; a test fails where it has not
// within a minute. A process that is gone already has ended.
func AwaitEnd(t testing.TB, pid int) {
	t.Helper()
	Watch(t, pid)()
}

// Watch takes hold of a process, so that its number cannot be taken for
// another's, and returns what AwaitEnd does.
//
// It follows the process's pidfd (pidfd_open(2)), which is readable once it is
// a zombie. EOF on a pipe that the process had open is no such sign: the kernel
// closes a process's files first.
func Watch(t testing.TB, pid int) func() {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return func() {}
	}
	if err != nil {
		t.Fatalf("watch process %d: %v", pid, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return func() {
		t.Helper()
		deadline := time.Now().Add(patience)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
			switch {
			case errors.Is(err, unix.EINTR):
			case err != nil:
				t.Fatalf("watch process %d: %v", pid, err)
			case n == 0:
				t.Fatalf("process %d is still there", pid)
			default:
				return
			}
		}
	}
}
