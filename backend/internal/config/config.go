// Package config turns the backend's environment into one struct, once, and
// reports every mistake in it together.
package config

import (
	"log/slog"
	"os"
	"path/filepath"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// Config is everything that the backend is told from outside.
type Config struct {
	ListenAddr string
	LogLevel   slog.Level
	DataDir    string
	ModelsDir  string // base weights that are on disk already

	DatabaseURL string // postgres://… or sqlite:/path
	RedisURL    string // redis://host:port/db

	DefaultThreshold    float64
	MaxDeployments      int
	EvaluationBatchSize int

	Runtime   string // local or kubernetes
	Overlay   string // base or local
	Namespace string
	SLMImage  string

	BackendURL       string // as services and SLM pods reach it
	TrainerURL       string
	EvaluatorURL     string
	ControlSocket    string // the local node's
	TrainingProvider string

	AdminKey     env.Secret
	ServiceToken env.Secret

	Bypass    bool
	Upstreams []understudy.Upstream
}

// Read reads the environment. The error joins every mistake.
func Read(lookup func(string) (string, bool)) (Config, error) {
	r := env.New(lookup)
	data := r.String("UNDERSTUDY_DATA_DIR", DefaultDataDir())
	c := Config{
		ListenAddr: r.String("LISTEN_ADDR", ":8000"),
		LogLevel:   r.Level("LOG_LEVEL"),
		DataDir:    data,
		ModelsDir:  r.String("MODELS_DIR", filepath.Join(CacheDir(), "models")),

		DatabaseURL: r.Secret("DATABASE_URL").Reveal(),
		RedisURL:    r.Secret("REDIS_URL").Reveal(),

		DefaultThreshold:    r.Float("DEFAULT_SIMILARITY_THRESHOLD", understudy.DefaultThreshold, 0, 1),
		MaxDeployments:      r.Int("MAX_DEPLOYMENTS", 10, 1),
		EvaluationBatchSize: r.Int("EVALUATION_BATCH_SIZE", 100, 1),

		Runtime:   r.OneOf("UNDERSTUDY_RUNTIME", "local", "local", "kubernetes"),
		Overlay:   r.OneOf("UNDERSTUDY_OVERLAY", "local", "local", "base"),
		Namespace: r.String("NAMESPACE", "understudy"),
		SLMImage:  r.String("SLM_IMAGE", "understudy-slm-inference:latest"),

		BackendURL:       r.URL("BACKEND_URL", "http://127.0.0.1:8000"),
		TrainerURL:       r.URL("TRAINER_URL", "http://127.0.0.1:8002"),
		EvaluatorURL:     r.URL("EVALUATOR_URL", "http://127.0.0.1:8001"),
		ControlSocket:    r.String("UNDERSTUDY_CONTROL_SOCKET", filepath.Join(data, "node.sock")),
		TrainingProvider: r.OneOf("TRAINING_PROVIDER", "local", "local", "static", "runpod"),

		AdminKey:     r.Secret("UNDERSTUDY_ADMIN_KEY"),
		ServiceToken: r.Secret("UNDERSTUDY_SERVICE_TOKEN"),
		Bypass:       r.OneOf("UNDERSTUDY_BYPASS", "off", "on", "off") == "on",
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite:" + filepath.Join(data, "understudy.db")
	}
	c.Upstreams = readUpstreams(r)
	return c, r.Err()
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
