// Command trainer is understudy-trainer: it takes training jobs, has agents
// carry them out, and keeps what they make.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"understudy.dev/service/child"
	"understudy.dev/trainer/internal/crash"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `understudy-trainer takes training jobs and keeps what they make.

Usage: understudy-trainer [--version]
       understudy-trainer orphans [--end] [-o table|json]

  orphans  lists this installation's pods at RunPod and tells which of them no
           job needs; --end ends those. It needs UNDERSTUDY_DATA_DIR and
           RUNPOD_API_KEY, and works beside a running trainer.

Environment:
  LISTEN_ADDR               where to listen (:8002)
  UNDERSTUDY_SERVICE_TOKEN  what callers have to send (or ..._FILE)
  UNDERSTUDY_DATA_DIR       folder for jobs and artefacts
  TRAINING_PROVIDER         local, static or runpod: for jobs that name none (local)
  AGENT_COMMAND             local: the agent's command line, words as in a shell
  MODELS_DIR                local: where base models lie already
  AGENT_URL, AGENT_TOKEN    static: an agent that runs somewhere (or AGENT_TOKEN_FILE)
  AGENT_POLL                how often a working agent is looked at (1s)
  AGENT_SILENCE             local: an agent that answers nothing for so long is restarted (2m)
  AGENT_STALL               local: and so is one whose training stands still for so long (20m)
  AGENT_GRACE               past the deadline, to hand over what was trained until then (5m)
  TRAINER_DOWNLOAD_RATE     bytes a second that artefacts are pulled with at most, to spare a
                            line that others use (0: no limit)
  RUNPOD_API_KEY            runpod: a key with read and write access to pods (or ..._FILE)
  AGENT_IMAGE               runpod: the agent's image, built from trainer/agent
  RUNPOD_GPUS               runpod: GPUs in the order wanted, by commas; else the cheapest that fits
  RUNPOD_MAX_HOURLY_USD     runpod: rent nothing dearer (1)
  RUNPOD_MIN_TIME           runpod: rent nothing where a job's budget buys less time than this (1m)
  RUNPOD_CLOUD              runpod: SECURE or COMMUNITY (SECURE)
  RUNPOD_DATA_CENTERS       runpod: in the order wanted, by commas; else wherever one is free
  RUNPOD_VOLUME_ID          runpod: a network volume: training goes on from its checkpoint on another pod
  RUNPOD_DISK_GB            runpod: the container's disk (40)
  RUNPOD_REGISTRY_ID        runpod: a stored registry credential, for a private image
  RUNPOD_MAX_PODS           runpod: jobs at a time (2)
  RUNPOD_PROVISION_TIMEOUT  runpod: for a pod to run (10m)
  RUNPOD_READY_TIMEOUT      runpod: and then for its agent to answer (10m)
  RUNPOD_SILENCE            runpod: a pod that says nothing for so long is replaced (10m)
  RUNPOD_CONTACT_TIMEOUT    runpod: an agent that hears nothing of us for so long ends its pod (30m)
  RUNPOD_POLL, RUNPOD_REAP  runpod: how often a pod that comes up is looked at (5s), and how often pods without a job are (1m)
  RUNPOD_BASE_URL           runpod: the API (https://api.runpod.io/v2)
  RUNPOD_PROXY_URL          runpod: a pod's port (https://{pod}-{port}.proxy.runpod.net)
  INSTALL_ID                runpod: this installation's name in pod names (made at random, kept in the data folder)
  HF_TOKEN                  runpod: handed to agents, for base models behind a licence (or ..._FILE)
  LOG_LEVEL                 debug, info, warn or error (info)
`

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("understudy-trainer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage) }
	show := flags.Bool("version", false, "print the version")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		return 0
	case err != nil:
		return 2
	case *show || flags.Arg(0) == "version":
		fmt.Fprintln(stdout, "understudy-trainer", version)
		return 0
	case flags.Arg(0) == "orphans":
		return orphans(flags.Args()[1:], stdout, stderr)
	case flags.Arg(0) == "crashpoints" && crash.List(stdout): // only in a program built to crash
		return 0
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "understudy-trainer: %q is no command\n%s", flags.Arg(0), usage)
		return 2
	}
	config, err := read(os.LookupEnv, os.Environ())
	if err != nil {
		fmt.Fprintf(stderr, "understudy-trainer: the configuration is not complete:\n%v\n", err)
		return 2
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: config.level})).With("service", "trainer"))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	child.DieWithParent(nil)
	app, err := open(config)
	if err == nil {
		err = app.Run(ctx)
		app.Close()
	}
	if err != nil {
		fmt.Fprintln(stderr, "understudy-trainer:", err)
		return 1
	}
	return 0
}
