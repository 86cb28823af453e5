package gateway

import (
	"errors"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

// shadow lets the SLM answer a sampled request too, after the client has the
// LLM's answer. Where both slots are busy it is left out: it must never cost a
// client anything.
func (x *exchange) shadow(d decision, teacher string) {
	select {
	case x.g.shadows <- struct{}{}:
	default:
		x.g.meter.shadows.WithLabelValues(x.endpoint.Name, "left_out").Inc()
		return
	}
	y := *x // the pair of the LLM's answer is made of x meanwhile
	y.w, y.r = nil, nil
	x.g.running.Go(func() {
		defer func() { <-x.g.shadows }()
		y.answerShadow(d.pods[0], teacher)
	})
}

func (x *exchange) answerShadow(pod, teacher string) {
	start := time.Now()
	o := outcome{source: understudy.SourceSLM, reason: understudy.ReasonShadow, id: newID(), teacher: teacher}
	a, err := x.g.ask(x.g.ctx, pod, call{
		payload: x.slmBody(), first: x.endpoint.SLMFirstTokenTimeout, total: x.endpoint.SLMTotalTimeout,
		event: func(_ sse.Event, a *completion.Assembler, _ bool) error {
			if o.firstToken == 0 && a.Started() {
				o.firstToken = time.Since(start)
			}
			return nil
		},
	})
	if err == nil {
		err = x.trust(a)
	}
	if err != nil {
		outcome := "failed"
		if errors.Is(err, errUntrusted) {
			outcome = "untrusted"
		}
		x.g.meter.shadows.WithLabelValues(x.endpoint.Name, outcome).Inc()
		return
	}
	x.g.meter.shadows.WithLabelValues(x.endpoint.Name, "stored").Inc()
	o.chunks, o.complete, o.latency = a, true, time.Since(start)
	x.start = start
	x.record(o)
}
