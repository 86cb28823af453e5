package api

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
	var contract struct{ Evaluator []string }
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	if got := serve.MetricNames(prometheus.DefaultRegisterer.(*prometheus.Registry)); !slices.Equal(got, contract.Evaluator) {
		t.Errorf("there are %q, the contract says %q", got, contract.Evaluator)
	}
}
