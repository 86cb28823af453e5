package main

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"understudy.dev/service/serve"
)

func TestTheMetricsAreThoseOfTheContract(t *testing.T) {
	raw, err := os.ReadFile("../../../ci/contract/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct{ Inference []string }
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	if err := prometheus.WrapRegistererWithPrefix(metricsPrefix, registry).Register(&collector{}); err != nil {
		t.Fatal(err)
	}
	got := serve.MetricNames(prometheus.DefaultRegisterer.(*prometheus.Registry), registry)
	if !slices.Equal(got, contract.Inference) {
		t.Errorf("there are %q, the contract says %q", got, contract.Inference)
	}
}
