// Package phases measures how long models stay in their phases. It stands
// between the lifecycle and the database, where every transition passes but a
// person's own.
package phases

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/lifecycle"
)

// Store is the lifecycle's, with a watch beside it.
type Store struct {
	lifecycle.Store
	Meter *Meter
}

// Meter has the measurements.
type Meter struct {
	durations *prometheus.HistogramVec
	moves     *prometheus.CounterVec
	leader    prometheus.Gauge
}

// NewMeter registers the measurements.
func NewMeter(reg prometheus.Registerer) *Meter {
	m := &Meter{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "understudy_lifecycle_phase_duration_seconds", Help: "How long models were in a phase, when they left it.",
			Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}}, []string{"phase"}),
		moves:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_lifecycle_transitions_total", Help: "Transitions of models by the phases left and entered."}, []string{"from", "to"}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{Name: "understudy_lifecycle_leader", Help: "1 on the replica that leads."}),
	}
	reg.MustRegister(m.durations, m.moves, m.leader)
	return m
}

// Lead says that this process leads, until the function it returns is called.
func (m *Meter) Lead() (end func()) {
	m.leader.Set(1)
	return func() { m.leader.Set(0) }
}

func (m *Meter) moved(was, is understudy.Model) {
	m.moves.WithLabelValues(string(was.Phase), string(is.Phase)).Inc()
	m.durations.WithLabelValues(string(was.Phase)).Observe(max(0, is.PhaseSince.Sub(was.PhaseSince).Seconds()))
}

// Move implements lifecycle.Store.
func (s Store) Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, mutate func(*understudy.Model)) (understudy.Model, error) {
	next, err := s.Store.Move(ctx, epoch, m, t, mutate)
	if err == nil {
		s.Meter.moved(m, next)
	}
	return next, err
}

// TakeStage implements lifecycle.Store.
func (s Store) TakeStage(ctx context.Context, epoch int64, m understudy.Model, maxDeployments int) (understudy.Model, bool, error) {
	next, taken, err := s.Store.TakeStage(ctx, epoch, m, maxDeployments)
	if err == nil && taken {
		s.Meter.moved(m, next)
	}
	return next, taken, err
}

// CutOver implements lifecycle.Store.
func (s Store) CutOver(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error) {
	next, err := s.Store.CutOver(ctx, epoch, m)
	if err == nil {
		s.Meter.moved(m, next)
	}
	return next, err
}
