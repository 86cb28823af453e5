package proxy

import (
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	latencies = []float64{.01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 20, 40, 80, 160}

	requests = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "understudy_inference_requests_total",
		Help: "Chat completions by HTTP status; 499 is a client that left.",
	}, []string{"status"})
	inFlight = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "understudy_inference_requests_in_flight",
		Help: "Chat completions being answered now.",
	})
	waiting = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "understudy_inference_requests_waiting",
		Help: "Chat completions waiting for a slot now.",
	})
	waitSeconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "understudy_inference_queue_seconds",
		Help: "How long answered chat completions waited for a slot.", Buckets: latencies,
	})
	firstSeconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "understudy_inference_first_token_seconds",
		Help: "From a streamed request's arrival to its first event.", Buckets: latencies,
	})
	totalSeconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "understudy_inference_request_seconds",
		Help: "From an answered request's arrival to its end.", Buckets: latencies,
	})
)

// firstByte observes when the first byte of a stream comes.
type firstByte struct {
	io.ReadCloser
	began time.Time
	seen  bool
}

func (f *firstByte) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 && !f.seen {
		f.seen = true
		firstSeconds.Observe(time.Since(f.began).Seconds())
	}
	return n, err
}

// recorder remembers the status for the metrics.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
