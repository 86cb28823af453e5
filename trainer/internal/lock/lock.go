// Package lock has an exclusive lock on a file that no crash can leave behind.
package lock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrHeld means that another process still holds the lock.
var ErrHeld = errors.New("it is locked")

// File takes an exclusive lock on a file, made if need be, and waits up to
// patience for it. The lock lives as long as the returned file, and every
// process that inherits it, is open; the kernel ends it however they end.
func File(path string, patience time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(end) {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrHeld
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
