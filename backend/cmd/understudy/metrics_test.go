package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/gateway"
	"understudy.dev/backend/internal/httpapi"
	"understudy.dev/backend/internal/lifecycle"
	"understudy.dev/service/serve"
)

func TestTheMetricsAreThoseOfTheContract(t *testing.T) {
	raw, err := os.ReadFile("../../../ci/contract/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct{ Backend []string }
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(dir, "understudy.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	g, err := gateway.New(gateway.Config{DataDir: dir, Source: db, Pairs: db, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(context.Background())
	lifecycle.New(lifecycle.Config{DB: db, Metrics: registry})
	registry.MustRegister(httpapi.New(t.Context(), httpapi.Config{DB: db}).Metrics(t.Context()))
	if got := serve.MetricNames(registry); !slices.Equal(got, contract.Backend) {
		t.Errorf("there are %q, the contract says %q", got, contract.Backend)
	}

	// Something on everything that has labels.
	if _, err := db.CreateEndpoint(t.Context(), understudy.NewEndpoint("a", "openai", "gpt", 0.85)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateModel(t.Context(), 0, understudy.Model{Endpoint: "a"}); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	for name, want := range map[string]int{"understudy_models": len(understudy.Phases()), "understudy_lifecycle_leader": 1, "understudy_model_phase_seconds": 1, "understudy_pairs": 2, "understudy_database_up": 1} {
		if n, err := testutil.GatherAndCount(registry, name); n != want || err != nil {
			t.Errorf("%s has %d series, want %d: %v", name, n, want, err)
		}
	}
}
