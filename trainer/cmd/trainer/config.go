package main

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"understudy.dev/service/env"
)

// config is the whole configuration, read once.
type config struct {
	level      slog.Level
	listen     string
	token      env.Secret
	dir        string
	provider   string
	command    []string // local, where it is set
	agentEnv   []string
	agentURL   string // static, where it is set
	agentToken env.Secret
	poll       time.Duration
	silence    time.Duration // see drive.Config
	stall      time.Duration
	grace      time.Duration
	downloads  int // bytes a second, 0 = no limit
	runpod     rented
}

func read(lookup func(string) (string, bool), environ []string) (config, error) {
	r := env.New(lookup)
	c := config{
		level:  r.Level("LOG_LEVEL"),
		listen: r.String("LISTEN_ADDR", ":8002"),
		token:  r.Secret("UNDERSTUDY_SERVICE_TOKEN"),
		dir:    r.Required("UNDERSTUDY_DATA_DIR"),
		// A provider that lacks something has its jobs refused, not the service,
		// so that the platform is ready for all the rest.
		provider:   r.OneOf("TRAINING_PROVIDER", "local", "local", "static", "runpod"),
		command:    r.Command("AGENT_COMMAND"),
		agentURL:   r.URL("AGENT_URL", ""),
		agentToken: r.Secret("AGENT_TOKEN"),
		poll:       r.Duration("AGENT_POLL", time.Second),
		silence:    r.Duration("AGENT_SILENCE", 0),
		stall:      r.Duration("AGENT_STALL", 0),
		grace:      r.Duration("AGENT_GRACE", 0),
		downloads:  r.Int("TRAINER_DOWNLOAD_RATE", 0, 0),
		agentEnv:   agentEnv(environ),
		runpod:     readRunPod(r),
	}
	if c.token == "" {
		r.Fail("UNDERSTUDY_SERVICE_TOKEN", "is not set; give all services the same one")
	}
	if c.provider == "local" && len(c.command) == 0 {
		r.Fail("AGENT_COMMAND", "is not set; the provider local needs it, for example: .cache/python/bin/python -m understudy_agent")
	}
	if c.provider == "static" && c.agentURL == "" {
		r.Fail("AGENT_URL", "is not set; the provider static needs it")
	}
	if c.agentURL != "" && c.agentToken == "" {
		r.Fail("AGENT_TOKEN", "is not set; it must be the token that the agent at AGENT_URL was started with")
	}
	return c, r.Err()
}

// ours are variables that a training process has no business with.
var ours = []string{
	"UNDERSTUDY_SERVICE_TOKEN", "UNDERSTUDY_SERVICE_TOKEN_FILE", "AGENT_TOKEN", "AGENT_TOKEN_FILE", "AGENT_URL",
	"LISTEN_ADDR", "LISTEN_FD", "UNDERSTUDY_PARENT_FD", "RUNPOD_API_KEY", "RUNPOD_API_KEY_FILE",
	"AGENT_DIR", "AGENT_PORT_FILE", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "UNDERSTUDY_ADMIN_KEY",
}

// agentEnv is the environment of a local agent: this one without our secrets.
func agentEnv(environ []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.Contains(ours, name)
	})
	if _, set := os.LookupEnv("PYTHONUNBUFFERED"); !set {
		kept = append(kept, "PYTHONUNBUFFERED=1")
	}
	return kept
}
