package gateway

import (
	"fmt"
	"strings"

	"github.com/sony/gobreaker/v2"

	understudy "understudy.dev/backend"
)

// decision says who is to answer a request.
type decision struct {
	slm    bool
	reason understudy.Reason
	sample bool        // the LLM answers, and the SLM off the path as well
	pods   []string    // base URLs, in the order to try them; with slm and sample
	report func(error) // tells the breaker; with slm
}

var byLLM = decision{reason: understudy.ReasonNormal}

// decide routes a request. Everything it looks at is in memory.
func (g *Gateway) decide(x *exchange) (decision, problem) {
	forced := false
	switch route := strings.ToLower(x.r.Header.Get("X-Understudy-Route")); route {
	case "", "auto":
	case "llm":
		return decision{reason: understudy.ReasonForced}, problem{}
	case "slm":
		forced = true
	default:
		return byLLM, problem{400, "invalid_route", fmt.Sprintf("X-Understudy-Route %q is not known; use auto, llm or slm.", route), ""}
	}
	t := x.target
	if t == nil || g.bypass(x.st, x.endpoint) || !x.fits(forced) {
		return byLLM, problem{}
	}
	g.activity.want(x.endpoint.Name, t.Asleep)
	if t.Asleep || g.cfg.Addresses == nil {
		return byLLM, problem{}
	}
	cb := g.breakers.of(t.ModelID)
	urls := g.cfg.Addresses.Ready(t.Release)
	if len(urls) == 0 || cb.State() == gobreaker.StateOpen {
		return byLLM, problem{}
	}
	d := decision{reason: understudy.ReasonNormal, pods: g.pods.pick(urls)}
	if forced {
		d.reason = understudy.ReasonForced
	} else {
		if g.cfg.Random() >= x.endpoint.SLMShare {
			return byLLM, problem{}
		}
		if g.cfg.Random() < x.endpoint.TeacherShare {
			d.reason, d.sample = understudy.ReasonSample, true
			return d, problem{}
		}
	}
	report, err := cb.Allow()
	if err != nil { // half open, and another request is trying it
		return byLLM, problem{}
	}
	d.slm, d.report = true, report
	return d, problem{}
}
