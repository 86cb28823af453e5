// Package config turns the backend's environment into one struct, once, and
// reports every mistake in it together.
package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// Config is everything that the backend is told from outside.
type Config struct {
	ListenAddr string
	LogLevel   slog.Level
	DataDir    string
	ModelsDir  string // base weights that are on disk already; empty in a cluster
	ModelsURL  string // a mirror of base weights

	DatabaseURL string // postgres://… or sqlite:/path
	RedisURL    string // redis://host:port/db

	DefaultThreshold    float64
	MaxDeployments      int
	EvaluationBatchSize int

	Runtime   string // local or kubernetes
	Overlay   string // base or local
	Namespace string
	PodName   string // in a cluster
	SLMImage  string
	// An operator's values and patches for every model's release.
	SLMValues     map[string]any
	SLMPatchesDir string

	BackendURL       string // as services and SLM pods reach it
	TrainerURL       string
	EvaluatorURL     string
	ControlSocket    string // the local node's
	TrainingProvider string
	DeployDeadline   time.Duration // for a model that goes on stage to be ready
	DrainTime        time.Duration // how long running requests may go on after SIGTERM
	// Limits of one training, of endpoints that set none.
	TrainingDeadline   time.Duration
	TrainingMaxCostUSD float64 // 0 = no limit
	TrainingGPUs       []string

	AdminKey     env.Secret
	ServiceToken env.Secret

	Bypass    bool
	Upstreams []understudy.Upstream

	Prices     PriceList
	Bases      []understudy.Base // the operator's own, before the built-in ones
	CPUUSDHour float64           // of one processor's time, for the ledger
	PodUSDHour float64           // of an SLM pod that stands ready, beside its processor time
}

// DefaultCPUUSDHour is about what a processor's hour costs on demand at the
// large clouds.
const DefaultCPUUSDHour = 0.04

// Read reads the environment. The error joins every mistake.
func Read(lookup func(string) (string, bool)) (Config, error) {
	r := env.New(lookup)
	data := r.String("UNDERSTUDY_DATA_DIR", DefaultDataDir())
	c := Config{
		ListenAddr: r.String("LISTEN_ADDR", ":8000"),
		LogLevel:   r.Level("LOG_LEVEL"),
		DataDir:    data,
		ModelsURL:  r.URL("MODELS_URL", ""),

		DatabaseURL: r.Secret("DATABASE_URL").Reveal(),
		RedisURL:    r.Secret("REDIS_URL").Reveal(),

		DefaultThreshold:    r.Float("DEFAULT_SIMILARITY_THRESHOLD", understudy.DefaultThreshold, 0, 1),
		MaxDeployments:      r.Int("MAX_DEPLOYMENTS", 10, 1),
		EvaluationBatchSize: r.Int("EVALUATION_BATCH_SIZE", 100, 1),

		Runtime:   r.OneOf("UNDERSTUDY_RUNTIME", "local", "local", "kubernetes"),
		Overlay:   r.OneOf("UNDERSTUDY_OVERLAY", "local", "local", "base"),
		Namespace: r.String("NAMESPACE", "understudy"),
		PodName:   r.String("POD_NAME", hostname()),
		SLMImage:  r.String("SLM_IMAGE", "understudy-slm-inference:latest"),

		SLMPatchesDir: r.String("SLM_PATCHES_DIR", ""),

		BackendURL:       r.URL("BACKEND_URL", "http://127.0.0.1:8000"),
		TrainerURL:       r.URL("TRAINER_URL", "http://127.0.0.1:8002"),
		EvaluatorURL:     r.URL("EVALUATOR_URL", "http://127.0.0.1:8001"),
		ControlSocket:    r.String("UNDERSTUDY_CONTROL_SOCKET", filepath.Join(data, "node.sock")),
		TrainingProvider: r.OneOf("TRAINING_PROVIDER", "local", "local", "static", "runpod"),

		DrainTime:      r.Duration("DRAIN_TIME", 30*time.Second),
		DeployDeadline: r.Duration("DEPLOY_DEADLINE", 5*time.Minute),

		TrainingDeadline:   r.Duration("TRAINING_DEADLINE", 4*time.Hour),
		TrainingMaxCostUSD: r.Float("TRAINING_MAX_COST_USD", 0, 0, 1e6),
		TrainingGPUs:       commas(r.String("TRAINING_GPUS", "")),

		AdminKey:     r.Secret("UNDERSTUDY_ADMIN_KEY"),
		ServiceToken: r.Secret("UNDERSTUDY_SERVICE_TOKEN"),
		CPUUSDHour:   r.Float("UNDERSTUDY_CPU_USD_PER_HOUR", DefaultCPUUSDHour, 0, 1000),
		PodUSDHour:   r.Float("UNDERSTUDY_POD_USD_PER_HOUR", 0, 0, 1000),
		Bypass:       r.OneOf("UNDERSTUDY_BYPASS", "off", "on", "off") == "on",
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite:" + filepath.Join(data, "understudy.db")
	}
	here := filepath.Join(CacheDir(), "models")
	if c.Runtime == "kubernetes" {
		here = "" // pods run elsewhere
	}
	c.ModelsDir = r.String("MODELS_DIR", here)
	c.SLMValues = readValues(r, "SLM_VALUES_FILE")
	c.Prices = readPrices(r)
	c.Bases = readBases(r)
	c.Upstreams = readUpstreams(r, c.Prices)
	return c, r.Err()
}

// commas reads words between commas.
func commas(s string) []string {
	var out []string
	for _, word := range strings.Split(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "backend"
	}
	return name
}

// readValues reads a YAML file of chart values; a file that is not named has
// none.
func readValues(r *env.Reader, name string) map[string]any {
	file := r.String(name, "")
	if file == "" {
		return nil
	}
	raw, err := os.ReadFile(file)
	var values map[string]any
	if err == nil {
		err = yaml.Unmarshal(raw, &values)
	}
	if err != nil {
		r.Fail(name, "names a file that cannot be read as YAML values: %v", err)
	}
	return values
}

// DefaultDataDir is $XDG_DATA_HOME/understudy.
func DefaultDataDir() string { return xdg("XDG_DATA_HOME", ".local/share") }

// CacheDir is $XDG_CACHE_HOME/understudy: downloads that can be fetched again.
func CacheDir() string { return xdg("XDG_CACHE_HOME", ".cache") }

func xdg(variable, fallback string) string {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, "understudy")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, fallback, "understudy")
}
