// Command fakerunpod simulates RunPod on this machine, see package fakerunpod.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"understudy.dev/ci/fakerunpod"
	"understudy.dev/service/child"
	"understudy.dev/service/serve"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

const usage = `fakerunpod simulates RunPod on this machine: its API below /v2, its proxy
below /proxy/{pod}/{port}. A "pod" is the training agent on this machine's CPU.
Nothing is rented and nothing is paid. /admin/state shows what there is.

Usage: fakerunpod [flags] AGENT [ARGUMENT...]

  AGENT is the program that every pod runs, for example:
  .cache/python/bin/python -m understudy_agent

Environment: LISTEN_ADDR (127.0.0.1:8010), RUNPOD_API_KEY (the key it takes);
what else there is goes to the agents.

`

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("fakerunpod", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	dir := flags.String("dir", "", "folder for the pods' disks (default: a temporary one)")
	provisioning := flags.Duration("provisioning", 3*time.Second, "until a pod says RUNNING")
	starting := flags.Duration("starting", 2*time.Second, "from there until its program runs")
	quota := flags.Int("quota", 60, "requests a minute, 0 is no limit")
	balance := flags.Float64("balance", 0, "the account's balance in USD, 0 is more than enough")
	volumes := flags.String("volumes", "", "network volumes, for example vol1=EU-RO-1,vol2=US-TX-3")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		return 0
	case err != nil:
		return 2
	case flags.NArg() == 0 || os.Getenv("RUNPOD_API_KEY") == "":
		flags.Usage()
		return 2
	}
	log := slog.New(slog.NewTextHandler(stderr, nil)).With("service", "fakerunpod")
	child.DieWithParent(nil)
	if *dir == "" {
		temporary, err := os.MkdirTemp("", "fakerunpod")
		if err != nil {
			fmt.Fprintln(stderr, "fakerunpod:", err)
			return 1
		}
		defer os.RemoveAll(temporary)
		*dir = temporary
	}
	s := fakerunpod.New(fakerunpod.Options{
		Key: os.Getenv("RUNPOD_API_KEY"), Dir: *dir, Agent: flags.Args(), AgentEnv: agentEnv(os.Environ()),
		Provisioning: *provisioning, Starting: *starting, Quota: *quota, Balance: *balance, Volumes: pairs(*volumes), Log: log,
	})
	defer s.Close()
	address := "127.0.0.1:8010"
	if v := os.Getenv("LISTEN_ADDR"); v != "" {
		address = v
	}
	ln, err := serve.Listen(address)
	if err != nil {
		fmt.Fprintln(stderr, "fakerunpod:", err)
		return 1
	}
	log.Info("listening", "addr", ln.Addr().String(), "what", "a simulation of RunPod")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	mux := http.NewServeMux()
	serve.Observe(mux, func(context.Context) error { return nil })
	mux.Handle("/", s)
	if err := serve.HTTP(ctx, ln, mux, time.Second); err != nil {
		fmt.Fprintln(stderr, "fakerunpod:", err)
		return 1
	}
	return 0
}

// agentEnv is this environment without what is the simulation's own.
func agentEnv(environ []string) []string {
	var out []string
	for _, kv := range environ {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "RUNPOD_API_KEY", "LISTEN_ADDR", serve.FDVariable, child.FDVariable, "UNDERSTUDY_SERVICE_TOKEN":
		default:
			out = append(out, kv)
		}
	}
	return out
}

func pairs(s string) map[string]string {
	out := map[string]string{}
	for _, p := range strings.Split(s, ",") {
		if k, v, ok := strings.Cut(p, "="); ok {
			out[k] = v
		}
	}
	return out
}
