// Command inference serves one small model: it pulls the model's files, runs
// a llama.cpp server as a child and stands before it (MODE=serve), or answers
// an evaluation's prompts with it and ends (MODE=batch).
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"understudy.dev/service/child"
)

func main() {
	child.MaybeGuard()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run exits with 0 after a clean end, 1 with a reason, and 2 on a mistake in
// the configuration.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprint(stdout, usage)
		if args[0] == "--help" || args[0] == "-h" || args[0] == "help" {
			return 0
		}
		return 2
	}
	cfg, err := configure(os.LookupEnv)
	if err != nil {
		fmt.Fprintf(stderr, "understudy-inference: the environment has mistakes:\n%v\n", err)
		return 2
	}
	// The local node ends us by closing its pipe when it is gone; our own
	// child sees the end of our pipe then.
	child.DieWithParent(nil)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	app, err := Open(cfg, log, stderr)
	if err == nil {
		defer app.Close()
		err = app.Run(ctx)
	}
	if err != nil {
		log.Error("ended", "error", err)
		return 1
	}
	return 0
}

const usage = `understudy-inference serves one small model behind the OpenAI API.

It takes no arguments; everything comes from the environment:
  LISTEN_ADDR      address to listen on (:8080)
  MODE             serve, or batch: answer an evaluation's prompts and end
  MODEL_DIR        folder for pulled files
  MODEL_ALIAS      the model's name in answers
  BASE_FILE        base weights on disk, or BASE_URL and BASE_SHA256
  ADAPTER_SHA256   adapter to pull from TRAINER_URL; empty serves the bare base
  MANIFEST_SHA256  manifest to pull from TRAINER_URL; empty uses the base's template
  TRAINER_URL, BACKEND_URL, TOKEN_FILE, MODEL_ID, ATTEMPT
  CONTEXT_LENGTH   tokens of each slot (2048)
  SLOTS, QUEUE     requests answered at once (4), and waiting beyond them (16)
  QUEUE_WAIT, REQUEST_TIMEOUT, DRAIN_TIMEOUT, STALL_TIMEOUT
                   how long a request may wait (10s) and run (5m), how long an
                   end waits for running ones (30s), how long the model server
                   may be silent before it is killed (2m)
  CPU_LIMIT        cores, such as 4 or 2500m; its whole part is the threads
  LLAMA_SERVER     command that takes llama-server's flags; else llama-server on PATH
  LLAMA_LAUNCHER   else this command (inference/launcher/launch.py); words as in a shell
  EVALUATION_BATCH_SIZE  prompts fetched at once in batch mode (100)
  LOG_LEVEL        debug shows the model server's own output
`
