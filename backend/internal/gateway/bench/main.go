// Command bench measures what the gateway costs: the same load against the same
// upstream (1 kB answers at once) through a bare httputil.ReverseProxy and
// through the gateway with capture on, in interleaved rounds of one run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o options
	flags.IntVar(&o.rounds, "rounds", 11, "rounds for each concurrency; the subjects take turns in each")
	flags.DurationVar(&o.length, "length", 700*time.Millisecond, "length of one measurement")
	flags.BoolVar(&o.stream, "stream", false, "ask for streams")
	flags.StringVar(&o.postgres, "postgres", "", "URL of an empty PostgreSQL database; without it one is started (fsync off)")
	flags.StringVar(&o.only, "only", "", "measure this subject alone (bare, sqlite, postgresql), for profiles")
	flags.StringVar(&o.profile, "profile", "", "write a CPU profile to this file")
	if flags.Parse(args) != nil {
		return 2
	}
	if err := bench(context.Background(), o, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

type options struct {
	rounds         int
	length         time.Duration
	stream         bool
	postgres, only string
	profile        string
}
