package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type meter struct {
	requests   *prometheus.CounterVec
	fallbacks  *prometheus.CounterVec
	broken     *prometheus.CounterVec
	shadows    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	firstToken *prometheus.HistogramVec
}

func newMeter(reg prometheus.Registerer) *meter {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	m := &meter{
		requests:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_requests_total", Help: "Chat completions by who answered, why, and the status."}, []string{"source", "reason", "code"}),
		fallbacks:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_fallbacks_total", Help: "Requests that the SLM was tried on and the LLM answered, by cause."}, []string{"cause"}),
		broken:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_broken_streams_total", Help: "Streams that broke after their first content."}, []string{"source"}),
		shadows:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_shadow_answers_total", Help: "Sampled requests that the SLM was asked too, by outcome."}, []string{"outcome"}),
		latency:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_gateway_seconds", Help: "From a request's arrival to its answer's end.", Buckets: buckets}, []string{"source"}),
		firstToken: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_gateway_first_token_seconds", Help: "From a request's arrival to its stream's first content.", Buckets: buckets}, []string{"source"}),
	}
	reg.MustRegister(m.requests, m.fallbacks, m.broken, m.shadows, m.latency, m.firstToken)
	return m
}

// registry remembers what was registered, so that Close can take it back and
// another gateway of the same process be registered.
type registry struct {
	prometheus.Registerer
	all []prometheus.Collector
}

func (r *registry) MustRegister(list ...prometheus.Collector) {
	r.Registerer.MustRegister(list...)
	r.all = append(r.all, list...)
}

func (r *registry) close() {
	for _, c := range r.all {
		r.Unregister(c)
	}
}

func code(status int) string { return strconv.Itoa(status) }
