package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"understudy.dev/trainer"
)

// Lister tells of every job that the store holds.
type Lister interface{ List() []trainer.Job }

// Metrics shows the jobs when it is scraped.
type Metrics struct{ Jobs Lister }

var (
	jobsDesc = prometheus.NewDesc("understudy_trainer_jobs", "Jobs in the store by state.", []string{"state"}, nil)
	costDesc = prometheus.NewDesc("understudy_trainer_cost_dollars", "What the jobs in the store have cost, by provider.", []string{"provider"}, nil)
)

// Describe implements prometheus.Collector.
func (m Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- jobsDesc
	ch <- costDesc
}

// Collect implements prometheus.Collector.
func (m Metrics) Collect(ch chan<- prometheus.Metric) {
	states, costs := map[trainer.State]int{}, map[string]float64{}
	for _, s := range trainer.States {
		states[s] = 0
	}
	for _, j := range m.Jobs.List() {
		states[j.State]++
		if j.Provider.Name != "" {
			costs[j.Provider.Name] += j.Provider.CostUSD
		}
	}
	for s, n := range states {
		ch <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(n), string(s))
	}
	for p, usd := range costs {
		ch <- prometheus.MustNewConstMetric(costDesc, prometheus.GaugeValue, usd, p)
	}
}
