// Command fakellama stands in for llama-server in tests: the same flags and
// the same bytes on the wire, no model, and every misbehaviour on request.
//
// It answers 503 while it "loads" (FAKELLAMA_LOADING, default 50ms), then
// echoes the last user message, or answers it from the file FAKELLAMA_ANSWERS
// (a line each: {"prompt": "...", "answer": "..."}). A request that switches
// the adapter off gets "base: " before the echo instead.
//
// Words in the last user message, in FAKELLAMA_DO, or in the file that
// FAKELLAMA_CONTROL names (read at each request; it may not exist) change that:
//
//	[[hang]]       never answer            [[slow:50ms]]  wait before each token
//	[[silent]]     so for every path, /health and /metrics included
//	[[loading]]    503 as while loading, for every path
//	[[error]]      an error event as the first of a 200 stream
//	[[cut]]        close the connection after three tokens
//	[[die]]        end the process after three tokens
//	[[crash]]      end the process at once
//	[[refuse]]     503                     [[broken]]     200 with what is no JSON
//	[[words:40]]   answer with 40 words    [[say:TEXT]]   answer TEXT
//
// [[silent]] and [[loading]] work from FAKELLAMA_DO and FAKELLAMA_CONTROL
// only; the others leave requests of one token alone there, such as those that
// ask whether the server is ready. A word is a token.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	s := &server{answers: map[string]string{}, do: os.Getenv("FAKELLAMA_DO"), control: os.Getenv("FAKELLAMA_CONTROL")}
	set := flag.NewFlagSet("fakellama", flag.ContinueOnError)
	set.SetOutput(stderr)
	var model, alias, lora, template string
	host, port := set.String("host", "127.0.0.1", ""), set.Int("port", 0, "")
	ctx, threads := set.Int("c", 4096, ""), set.Int("t", 1, "")
	set.IntVar(&s.slots, "np", 1, "")
	for _, name := range []string{"m", "model"} {
		set.StringVar(&model, name, "", "")
	}
	for _, name := range []string{"a", "alias"} {
		set.StringVar(&alias, name, "", "")
	}
	set.StringVar(&lora, "lora", "", "")
	set.StringVar(&template, "chat-template-file", "", "")
	set.BoolVar(&s.metrics, "metrics", false, "")
	set.Bool("jinja", true, "")
	set.Bool("no-slots", false, "")
	if err := set.Parse(args); err != nil {
		return 1
	}
	for _, file := range []string{model, lora, template} {
		if _, err := os.Stat(file); file != "" && err != nil {
			fmt.Fprintf(stderr, "error: failed to load %s: %v\n", file, err)
			return 1
		}
	}
	if model == "" || *threads < 1 || s.slots < 1 {
		fmt.Fprintln(stderr, "error: -m, -t >= 1 and -np >= 1 are needed")
		return 1
	}
	if s.alias = alias; alias == "" {
		s.alias = model
	}
	s.context, s.busy = *ctx/s.slots, make(chan struct{}, s.slots)
	if err := s.load(os.Getenv("FAKELLAMA_ANSWERS")); err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	loading, err := time.ParseDuration(os.Getenv("FAKELLAMA_LOADING"))
	if err != nil {
		loading = 50 * time.Millisecond
	}
	time.AfterFunc(loading, func() { s.loaded.Store(true) })

	ln, err := net.Listen("tcp", net.JoinHostPort(*host, strconv.Itoa(*port)))
	if err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; os.Exit(0) }() // running requests are cut, as llama-server does
	fmt.Fprintf(stderr, "server is listening on http://%s with %d threads\n", ln.Addr(), *threads)
	err = http.Serve(ln, s)
	fmt.Fprintf(stderr, "error: %v\n", err)
	return 1
}

// load reads the answers file; an empty path is none.
func (s *server) load(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for dec := json.NewDecoder(f); ; {
		var line struct{ Prompt, Answer string }
		if err := dec.Decode(&line); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		s.answers[line.Prompt] = line.Answer
	}
}
