package lifecycle

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
)

// meter has what is measured of the lifecycle's own work; what a person moves
// passes it by.
type meter struct {
	durations *prometheus.HistogramVec
	moves     *prometheus.CounterVec
	leader    prometheus.Gauge
}

func newMeter(reg prometheus.Registerer) *meter {
	m := &meter{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_lifecycle_phase_duration_seconds", Help: "How long models were in a phase, when they left it.",
			Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}}, []string{"phase"}),
		moves:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_lifecycle_transitions_total", Help: "Transitions of models by the phases left and entered."}, []string{"from", "to"}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{Name: "understudy_lifecycle_leader", Help: "1 on the replica that leads."}),
	}
	reg.MustRegister(m.durations, m.moves, m.leader)
	return m
}

func (m *meter) moved(was, is understudy.Model) {
	m.moves.WithLabelValues(string(was.Phase), string(is.Phase)).Inc()
	m.durations.WithLabelValues(string(was.Phase)).Observe(max(0, is.PhaseSince.Sub(was.PhaseSince).Seconds()))
}

// measured is a Store with a meter where transitions pass.
type measured struct {
	Store
	meter *meter
}

func (s measured) Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, mutate func(*understudy.Model)) (understudy.Model, error) {
	next, err := s.Store.Move(ctx, epoch, m, t, mutate)
	if err == nil {
		s.meter.moved(m, next)
	}
	return next, err
}

func (s measured) TakeStage(ctx context.Context, epoch int64, m understudy.Model, maxDeployments int) (understudy.Model, bool, error) {
	next, taken, err := s.Store.TakeStage(ctx, epoch, m, maxDeployments)
	if err == nil && taken {
		s.meter.moved(m, next)
	}
	return next, taken, err
}

func (s measured) CutOver(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error) {
	next, err := s.Store.CutOver(ctx, epoch, m)
	if err == nil {
		s.meter.moved(m, next)
	}
	return next, err
}
