// Command bench measures what standing before the model server costs: the same
// requests through understudy-inference and to llama.cpp alone, side by side in
// one run. Two servers of the same model and flags take turns, round by round
// and in changing order, so that what else the machine does meets both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"understudy.dev/inference/internal/process"
	"understudy.dev/service/child"
	"understudy.dev/service/env"
)

func main() {
	child.MaybeGuard()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const aim = 0.97

func run(args []string, stdout, stderr io.Writer) int {
	cache, _ := os.UserCacheDir()
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	var b bench
	set.StringVar(&b.binary, "binary", "../bin/understudy-inference", "the program to measure")
	set.StringVar(&b.model, "model", filepath.Join(cache, "understudy", "models", "SmolLM2-135M-Instruct.Q8_0.gguf"), "base weights")
	set.StringVar(&b.launcher, "launcher", "../.cache/python/bin/python launcher/launch.py", "command for the xllamacpp wheel, unless LLAMA_SERVER or PATH has a llama-server")
	set.IntVar(&b.threads, "threads", 2, "threads of llama.cpp")
	set.IntVar(&b.rounds, "rounds", 20, "rounds of each side at each concurrency")
	set.IntVar(&b.requests, "requests", 4, "requests a round")
	set.IntVar(&b.tokens, "tokens", 24, "most tokens an answer")
	if err := set.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := b.run(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

const launcherVariable = "LLAMA_LAUNCHER"

type bench struct {
	binary, model, launcher           string
	threads, rounds, requests, tokens int
}

func (b bench) run(ctx context.Context, out io.Writer) error {
	r := env.New(func(name string) (string, bool) {
		if name == launcherVariable {
			return b.launcher, true
		}
		return os.LookupEnv(name)
	})
	command, err := process.Find(r.Command("LLAMA_SERVER"), r.Command(launcherVariable))
	if err := errors.Join(r.Err(), err); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alone := process.New(process.Options{Command: command, Log: slog.New(slog.DiscardHandler), StallAfter: 2 * time.Minute})
	ended := make(chan error, 1)
	go func() {
		ended <- alone.Run(ctx, process.Model{Base: b.model, Alias: "alone", Context: 2048, Slots: 4, Threads: b.threads})
		cancel()
	}()
	defer func() { cancel(); <-ended }()
	through, stop, err := b.start()
	if err != nil {
		return err
	}
	defer stop()
	direct, err := alone.Await(ctx)
	if err != nil {
		return fmt.Errorf("start llama.cpp alone: %w", err)
	}
	fmt.Fprintf(out, "%s, %d threads, 4 slots; %d rounds of %d requests, half streamed, at most %d tokens each\n",
		filepath.Base(b.model), b.threads, b.rounds, b.requests, b.tokens)
	fmt.Fprintf(out, "%-12s %25s %25s %21s\n", "", "llama.cpp alone", "through inference", "ratio")
	fmt.Fprintf(out, "%-12s %12s %12s %12s %12s %10s %10s\n", "concurrency", "requests/s", "tokens/s", "requests/s", "tokens/s", "requests", "tokens")
	for _, concurrency := range []int{1, 4} {
		if err := b.compare(ctx, out, direct, through, concurrency); err != nil {
			return err
		}
	}
	return nil
}

// compare prints one line, of medians over the rounds: a round that another
// program disturbed counts for no more than any other.
func (b bench) compare(ctx context.Context, out io.Writer, direct, through string, concurrency int) error {
	var requests, tokens ratios
	for round := -1; round < b.rounds; round++ { // round -1 warms both up
		var pair [2]result
		for turn := range 2 {
			side := (turn + round + 1) % 2
			r, err := b.round(ctx, [2]string{direct, through}[side], concurrency, round)
			if err != nil {
				return err
			}
			pair[side] = r
		}
		if round < 0 {
			continue
		}
		requests.add(pair[0].requestRate(), pair[1].requestRate())
		tokens.add(pair[0].tokenRate(), pair[1].tokenRate())
	}
	verdict := fmt.Sprintf("aim >= %.2f met", aim)
	if max(requests.ratio(), tokens.ratio()) < aim {
		verdict = fmt.Sprintf("aim >= %.2f MISSED", aim)
	}
	fmt.Fprintf(out, "%-12d %12.2f %12.1f %12.2f %12.1f %10.3f %10.3f  %s\n", concurrency,
		median(requests.alone), median(tokens.alone), median(requests.through), median(tokens.through),
		requests.ratio(), tokens.ratio(), verdict+requests.spread())
	return nil
}

// ratios holds each round's rates, pair by pair.
type ratios struct{ alone, through, pairs []float64 }

func (r *ratios) add(alone, through float64) {
	r.alone, r.through, r.pairs = append(r.alone, alone), append(r.through, through), append(r.pairs, through/alone)
}

func (r *ratios) ratio() float64 { return median(r.pairs) }

// spread is the range of the middle half of the rounds' ratios: how much the
// machine's other work shook the measurement.
func (r *ratios) spread() string {
	v := slices.Sorted(slices.Values(r.pairs))
	return fmt.Sprintf(" (half of the rounds between %.3f and %.3f)", v[len(v)/4], v[len(v)*3/4])
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
