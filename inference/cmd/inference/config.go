package main

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"understudy.dev/inference/internal/process"
	"understudy.dev/service/env"
)

// Modes of the program.
const (
	modeServe = "serve"
	modeBatch = "batch"
)

// Config is the environment, read once.
type Config struct {
	ListenAddr string
	Mode       string
	LogLevel   slog.Level

	ModelDir       string
	BaseFile       string
	BaseURL        string
	BaseSHA256     string
	AdapterSHA256  string
	ManifestSHA256 string
	Alias          string

	ContextLength int
	Slots         int
	Queue         int
	Threads       int
	Command       process.Command

	QueueWait      time.Duration
	RequestTimeout time.Duration
	DrainTimeout   time.Duration
	StallTimeout   time.Duration

	TrainerURL string
	BackendURL string
	TokenFile  string
	ModelID    string
	Attempt    int
	Page       int
}

func configure(lookup func(string) (string, bool)) (Config, error) {
	r := env.New(lookup)
	c := Config{
		ListenAddr:     r.String("LISTEN_ADDR", ":8080"),
		Mode:           r.OneOf("MODE", modeServe, modeServe, modeBatch),
		LogLevel:       r.Level("LOG_LEVEL"),
		ModelDir:       r.String("MODEL_DIR", ""),
		BaseFile:       r.String("BASE_FILE", ""),
		BaseURL:        r.URL("BASE_URL", ""),
		BaseSHA256:     sum(r, "BASE_SHA256"),
		AdapterSHA256:  sum(r, "ADAPTER_SHA256"),
		ManifestSHA256: sum(r, "MANIFEST_SHA256"),
		Alias:          r.String("MODEL_ALIAS", "model"),
		ContextLength:  r.Int("CONTEXT_LENGTH", 2048, 64),
		Slots:          r.Int("SLOTS", 4, 1),
		Queue:          r.Int("QUEUE", 16, 0),
		Threads:        threads(r),
		QueueWait:      r.Duration("QUEUE_WAIT", 10*time.Second),
		RequestTimeout: positive(r, "REQUEST_TIMEOUT", 5*time.Minute),
		DrainTimeout:   r.Duration("DRAIN_TIMEOUT", 30*time.Second),
		StallTimeout:   positive(r, "STALL_TIMEOUT", 2*time.Minute),
		TrainerURL:     r.URL("TRAINER_URL", ""),
		BackendURL:     r.URL("BACKEND_URL", ""),
		TokenFile:      r.String("TOKEN_FILE", ""),
		ModelID:        r.String("MODEL_ID", ""),
		Attempt:        r.Int("ATTEMPT", 0, 0),
		Page:           r.Int("EVALUATION_BATCH_SIZE", 100, 1),
	}
	need := func(name, value, why string) {
		if value == "" {
			r.Fail(name, "is not set; %s", why)
		}
	}
	switch {
	case c.BaseFile == "" && c.BaseURL == "":
		r.Fail("BASE_FILE", "is not set, nor is BASE_URL; one of them must say where the base weights are")
	case c.BaseFile == "":
		need("BASE_SHA256", c.BaseSHA256, "what BASE_URL gives must be checked against it")
	}
	if c.AdapterSHA256 != "" || c.ManifestSHA256 != "" {
		need("TRAINER_URL", c.TrainerURL, "adapter and manifest are pulled from there")
	}
	if c.BaseFile == "" || c.AdapterSHA256 != "" || c.ManifestSHA256 != "" {
		need("MODEL_DIR", c.ModelDir, "pulled files are kept there")
	}
	if c.Mode == modeBatch {
		need("BACKEND_URL", c.BackendURL, "the prompts come from there")
		need("MODEL_ID", c.ModelID, "the prompts are listed for it")
		if c.Attempt < 1 {
			r.Fail("ATTEMPT", "is not set; a batch answers one attempt's prompts")
		}
	}
	var err error
	if c.Command, err = process.Find(r.Command("LLAMA_SERVER"), r.Command("LLAMA_LAUNCHER")); err != nil {
		r.Fail("LLAMA_SERVER", "%v", err)
	}
	return c, r.Err()
}

var hex256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

func sum(r *env.Reader, name string) string {
	s := strings.ToLower(r.String(name, ""))
	if s != "" && !hex256.MatchString(s) {
		r.Fail(name, "%q is no sha256 of 64 hexadecimal digits", s)
	}
	return s
}

func positive(r *env.Reader, name string, def time.Duration) time.Duration {
	d := r.Duration(name, def)
	if d <= 0 {
		r.Fail(name, "must be longer than nothing")
	}
	return d
}

// threads is the whole part of CPU_LIMIT, at least 1 and at most the cores
// there are: llama.cpp's threads spin while they wait for one another, so one
// too many costs more than one too few. Without a limit it is what the Go
// runtime found in the container's quota.
func threads(r *env.Reader) int {
	s := r.String("CPU_LIMIT", "")
	if s == "" {
		return runtime.GOMAXPROCS(0)
	}
	number, milli := strings.CutSuffix(s, "m")
	cores, err := strconv.ParseFloat(number, 64)
	if milli {
		cores /= 1000
	}
	if err != nil || !(cores > 0) || math.IsInf(cores, 0) {
		r.Fail("CPU_LIMIT", "%q is no number of cores such as 4, 2.5 or 2500m", s)
		return 1
	}
	return max(1, min(int(cores), runtime.NumCPU()))
}

// token reads the pod's token anew each time: a Secret may be renewed.
func (c Config) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read TOKEN_FILE: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
