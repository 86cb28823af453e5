package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
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
		requests:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_requests_total", Help: "Requests by endpoint, who answered, why, and the status; those of no endpoint have none."}, []string{"endpoint", "source", "reason", "code"}),
		fallbacks:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_fallbacks_total", Help: "Requests that the SLM was tried on and the LLM answered, by cause."}, []string{"endpoint", "cause"}),
		broken:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_broken_streams_total", Help: "Streams that broke after their first content."}, []string{"endpoint", "source"}),
		shadows:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_gateway_shadow_answers_total", Help: "Sampled requests that the SLM was asked too, by outcome."}, []string{"endpoint", "outcome"}),
		latency:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_gateway_request_duration_seconds", Help: "From a chat completion's arrival to its answer's end.", Buckets: buckets}, []string{"endpoint", "source"}),
		firstToken: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_gateway_first_token_seconds", Help: "From a request's arrival to its stream's first content.", Buckets: buckets}, []string{"endpoint", "source"}),
	}
	reg.MustRegister(m.requests, m.fallbacks, m.broken, m.shadows, m.latency, m.firstToken)
	return m
}

// seen shows what the gateway knows, when it is scraped.
type seen struct{ *Gateway }

var (
	breakerDesc    = prometheus.NewDesc("understudy_gateway_breaker_open", "1 while an endpoint's SLM is left alone because it failed too often in a row.", []string{"endpoint"}, nil)
	readyPodsDesc  = prometheus.NewDesc("understudy_gateway_slm_ready_pods", "Pods of an endpoint's SLM that this gateway can ask.", []string{"endpoint"}, nil)
	inFlightDesc   = prometheus.NewDesc("understudy_gateway_slm_requests_in_flight", "Requests that an endpoint's SLM answers now.", []string{"endpoint"}, nil)
	bypassDesc     = prometheus.NewDesc("understudy_gateway_bypass", "1 while everything goes to the LLM.", nil, nil)
	generationDesc = prometheus.NewDesc("understudy_gateway_route_generation", "Generation of the routes in force; it rises with every change.", nil, nil)
)

func (s seen) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{breakerDesc, readyPodsDesc, inFlightDesc, bypassDesc, generationDesc} {
		ch <- d
	}
}

func (s seen) Collect(ch chan<- prometheus.Metric) {
	st := s.state.Load()
	if st == nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(generationDesc, prometheus.GaugeValue, float64(st.Generation))
	ch <- prometheus.MustNewConstMetric(bypassDesc, prometheus.GaugeValue, one(s.cfg.Bypass || s.bypassed.Load() || st.Bypass))
	for name, e := range st.Endpoints {
		if e.Target == nil {
			continue
		}
		pods := 0
		if s.cfg.Addresses != nil {
			pods = len(s.cfg.Addresses.Ready(e.Target.Release))
		}
		ch <- prometheus.MustNewConstMetric(readyPodsDesc, prometheus.GaugeValue, float64(pods), name)
		ch <- prometheus.MustNewConstMetric(breakerDesc, prometheus.GaugeValue, one(s.breakers.of(e.Target.ModelID).State() == gobreaker.StateOpen), name)
		ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(s.activity.of(name).inFlight.Load()), name)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
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
