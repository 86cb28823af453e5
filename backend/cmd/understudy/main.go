// Command understudy is the platform's backend and its command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"understudy.dev/service/child"
)

// version is set when a release is built.
var version = "dev"

func main() {
	child.MaybeGuard()
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// exitCode is an error that only says how to end; what there was to say has
// been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot(args[0], stdout, stderr)
	root.SetArgs(args[1:])
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(stderr, "understudy: %v\n", err)
	return 1
}
