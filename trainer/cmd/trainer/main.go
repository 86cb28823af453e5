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
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `understudy-trainer takes training jobs and keeps what they make.

Usage: understudy-trainer [--version]

Environment:
  LISTEN_ADDR               where to listen (:8002)
  UNDERSTUDY_SERVICE_TOKEN  what callers have to send (or ..._FILE)
  UNDERSTUDY_DATA_DIR       folder for jobs and artefacts
  TRAINING_PROVIDER         local, static or runpod (refused so far): for jobs that name none (local)
  AGENT_COMMAND             local: the agent's command line, words as in a shell
  MODELS_DIR                local: where base models lie already
  AGENT_URL, AGENT_TOKEN    static: an agent that runs somewhere (or AGENT_TOKEN_FILE)
  AGENT_POLL                how often a working agent is looked at (1s)
  AGENT_SILENCE             local: an agent that answers nothing for so long is restarted (2m)
  AGENT_STALL               local: and so is one whose training stands still for so long (20m)
  AGENT_GRACE               past the deadline, to hand over what was trained until then (5m)
  TRAINER_DOWNLOAD_RATE     bytes a second that artefacts are pulled with at most, to spare a
                            line that others use (0: no limit)
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
