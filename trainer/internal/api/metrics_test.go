package api

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"understudy.dev/service/serve"
	"understudy.dev/trainer"
)

type jobs []trainer.Job

func (j jobs) List() []trainer.Job { return j }

func TestJobsAreCountedByStateAndTheirCostByProvider(t *testing.T) {
	m := Metrics{Jobs: jobs{
		{State: trainer.Training, Provider: trainer.Machine{Name: "runpod", CostUSD: 0.5}},
		{State: trainer.Succeeded, Provider: trainer.Machine{Name: "runpod", CostUSD: 0.25}}, {State: trainer.Queued},
	}}
	err := testutil.CollectAndCompare(m, strings.NewReader(`
# HELP understudy_trainer_cost_dollars What the jobs in the store have cost, by provider.
# TYPE understudy_trainer_cost_dollars gauge
understudy_trainer_cost_dollars{provider="runpod"} 0.75
`), "understudy_trainer_cost_dollars")
	if err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(m, "understudy_trainer_jobs"); n != len(trainer.States) {
		t.Errorf("%d states are shown, want all %d", n, len(trainer.States))
	}
	if problems, err := testutil.CollectAndLint(m); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestTheMetricsAreThoseOfTheContract(t *testing.T) {
	raw, err := os.ReadFile("../../../ci/contract/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct{ Trainer []string }
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	if got := serve.MetricNames(prometheus.Collector(Metrics{})); !slices.Equal(got, contract.Trainer) {
		t.Errorf("there are %q, the contract says %q", got, contract.Trainer)
	}
}
