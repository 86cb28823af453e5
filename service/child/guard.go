package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// MaybeGuard must be the first call in the main of a program that uses
// Spec.Guard. Where this process was started as a guard it runs the guarded
// program, passes SIGTERM and SIGINT on, and exits with its status: it does
// not return then.
func MaybeGuard() {
	if len(os.Args) < 4 || os.Args[1] != guardWord || os.Args[2] != "--" {
		return
	}
	os.Exit(guard(os.Args[3], os.Args[4:]))
}

func guard(path string, args []string) int {
	DieWithParent(nil)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	// The guarded program stays in the guard's group, so that killing the
	// group ends both.
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "start %s: %v\n", path, err)
		return 127
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1)
	}
	if err != nil {
		return 1
	}
	return 0
}
