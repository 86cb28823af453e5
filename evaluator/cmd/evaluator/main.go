// Command evaluator (binary understudy-evaluator) compares answers by meaning
// and turns texts into vectors, over HTTP.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"understudy.dev/service/child"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, _, stderr io.Writer) int {
	child.DieWithParent(nil)
	flags := flag.NewFlagSet("understudy-evaluator", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "understudy-evaluator: unknown argument %q\n%s", flags.Arg(0), usage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	program, err := newProgram(os.LookupEnv, stderr)
	if err == nil {
		defer program.Close()
		err = program.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "understudy-evaluator:", err)
		return 1
	}
	return 0
}
