package capture

import "github.com/prometheus/client_golang/prometheus"

type meter struct {
	stored, spooled, refused prometheus.Counter
	dropped                  *prometheus.CounterVec
}

func newMeter(reg prometheus.Registerer, queue, spool func() float64) *meter {
	m := &meter{
		stored:  prometheus.NewCounter(prometheus.CounterOpts{Name: "understudy_capture_stored_total", Help: "Pairs stored in the database."}),
		spooled: prometheus.NewCounter(prometheus.CounterOpts{Name: "understudy_capture_spooled_total", Help: "Pairs written to the spool."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "understudy_capture_refused_total", Help: "Batches that the database did not take; they wait in the spool."}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "understudy_capture_dropped_total", Help: "Pairs that could be stored nowhere, by cause."}, []string{"cause"}),
	}
	if reg != nil {
		reg.MustRegister(m.stored, m.spooled, m.refused, m.dropped,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "understudy_capture_queue_pairs", Help: "Pairs that wait in memory."}, queue),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "understudy_capture_spool_bytes", Help: "Bytes that wait on disk."}, spool))
	}
	return m
}
