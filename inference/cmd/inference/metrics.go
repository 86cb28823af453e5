package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"understudy.dev/inference/internal/process"
)

// metricsPrefix begins every name below.
const metricsPrefix = "understudy_inference_"

var (
	restartsDesc = prometheus.NewDesc("restarts_total", "Starts of the model server after the first.", nil, nil)
	readyDesc    = prometheus.NewDesc("ready", "1 while the model server answers.", nil, nil)
	cpuDesc      = prometheus.NewDesc("cpu_seconds_total", "Processor time of this process and its model servers; absent where the system does not tell.", nil, nil)
	tokensDesc   = prometheus.NewDesc("tokens_total", "Tokens the model server processed: prompt (cached ones apart) or completion.", []string{"kind"}, nil)
)

// collector asks the model server when it is scraped, so that nothing is
// counted on a request's path.
type collector struct{ server *process.Supervisor }

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{restartsDesc, readyDesc, tokensDesc, cpuDesc} {
		ch <- d
	}
}

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ready := 0.0
	if _, err := c.server.Address(); err == nil {
		ready = 1
	}
	if used, ok := c.server.CPU(); ok {
		ch <- prometheus.MustNewConstMetric(cpuDesc, prometheus.CounterValue, used.Seconds())
	}
	prompt, completion := c.server.Tokens(context.Background())
	ch <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, ready)
	ch <- prometheus.MustNewConstMetric(restartsDesc, prometheus.CounterValue, float64(c.server.Restarts()))
	ch <- prometheus.MustNewConstMetric(tokensDesc, prometheus.CounterValue, prompt, "prompt")
	ch <- prometheus.MustNewConstMetric(tokensDesc, prometheus.CounterValue, completion, "completion")
}
