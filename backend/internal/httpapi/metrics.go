package httpapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// metrics shows what status shows, when it is scraped. Every replica says the
// same of the platform: ask for max, not for sum.
type metrics struct {
	api *API
	ctx context.Context
}

// Metrics returns a collector of what the database knows; ctx ends its looks.
func (a *API) Metrics(ctx context.Context) prometheus.Collector { return metrics{a, ctx} }

var (
	databaseDesc  = prometheus.NewDesc("understudy_database_up", "1 while the database answers.", nil, nil)
	modelsDesc    = prometheus.NewDesc("understudy_models", "Models by phase.", []string{"phase"}, nil)
	phaseDesc     = prometheus.NewDesc("understudy_model_phase_seconds", "How long the model that an endpoint works on has been in its phase.", []string{"endpoint", "phase"}, nil)
	pairsDesc     = prometheus.NewDesc("understudy_pairs", "Pairs that teach (train) and test (eval).", []string{"endpoint", "split"}, nil)
	agreementDesc = prometheus.NewDesc("understudy_agreement_ratio", "How alike SLM and LLM answer sampled requests: the part with the same answer, or the mean similarity, by the metric of the exam.", []string{"endpoint"}, nil)
	shareDesc     = prometheus.NewDesc("understudy_slm_share_ratio", "Part of the last 15 minutes' answers that the SLM gave.", []string{"endpoint"}, nil)
	netDesc       = prometheus.NewDesc("understudy_net_savings_dollars", "What the ledger's last 30 days come to; a loss is negative.", []string{"endpoint"}, nil)
	replicasDesc  = prometheus.NewDesc("understudy_replicas", "Backend replicas that live.", nil, nil)
)

func (m metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseDesc, modelsDesc, phaseDesc, pairsDesc, agreementDesc, shareDesc, netDesc, replicasDesc} {
		ch <- d
	}
}

// scrapeFor bounds one look: a scrape must come back while the database is
// away.
const scrapeFor = 5 * time.Second

// scrapes is how many there may be at a time: each asks the database.
const scrapes = 2

func (m metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(m.ctx, scrapeFor)
	defer cancel()
	s := wire.Status{Phases: map[string]int{}}
	if err := m.api.endpointsAtAGlance(ctx, &s); err != nil {
		slog.Debug("metrics without the database", "error", err)
		gauge(databaseDesc, 0)
		return
	}
	gauge(databaseDesc, 1)
	for _, p := range understudy.Phases() {
		gauge(modelsDesc, float64(s.Phases[string(p)]), string(p))
	}
	now := m.api.Now()
	for _, e := range s.Endpoints {
		gauge(pairsDesc, float64(e.Counters.Train), e.Name, "train")
		gauge(pairsDesc, float64(e.Counters.Eval), e.Name, "eval")
		gauge(netDesc, e.SavedUSD, e.Name)
		if e.Sampled > 0 {
			gauge(agreementDesc, e.Agreement, e.Name)
		}
		if e.SLMShareRecent != nil {
			gauge(shareDesc, *e.SLMShareRecent, e.Name)
		}
		if e.Live != nil {
			gauge(phaseDesc, now.Sub(e.Live.PhaseSince).Seconds(), e.Name, e.Live.Phase)
		}
	}
	if live, err := m.api.DB.LiveReplicas(ctx, now); err == nil {
		gauge(replicasDesc, float64(len(live)))
	}
}
