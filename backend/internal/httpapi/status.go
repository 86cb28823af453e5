package httpapi

import (
	"context"
	"fmt"
	"net/http"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) statusRoutes() {
	handle(a, a.operation(http.MethodGet, "/status", "status", "Status", "Show what a monitor shows", 200), a.status)
}

func (a *API) status(ctx context.Context, _ *struct{}) (*body[wire.Status], error) {
	s := wire.Status{Version: a.Version, Mode: a.Mode, Endpoints: []wire.EndpointStatus{}, Phases: map[string]int{},
		Replicas: []wire.Replica{}, Releases: []wire.Release{}, Warnings: []string{},
		DefaultThreshold: understudy.NewEndpoint("", "", "", a.DefaultThreshold).Threshold}
	var err error
	if s.Bypass, err = a.DB.Bypass(ctx); err != nil {
		return nil, err
	}
	if s.Bypass {
		s.Warnings = append(s.Warnings, "Bypass is on: every request goes to the LLM.")
	}
	for _, on := range a.switches() {
		s.Bypass = true
		s.Warnings = append(s.Warnings, "Every request goes to the LLM: "+on+" to route them again.")
	}
	if len(a.Upstreams) == 0 {
		s.Warnings = append(s.Warnings, "No upstream is configured: set OPENAI_API_KEY or UNDERSTUDY_UPSTREAMS_FILE and start again.")
	}
	if err := a.endpointsAtAGlance(ctx, &s); err != nil {
		return nil, err
	}
	replicas, err := a.DB.LiveReplicas(ctx, a.Now())
	if err != nil {
		return nil, err
	}
	for _, r := range replicas {
		s.Replicas = append(s.Replicas, wire.Replica{ID: r.ID, RouteGeneration: r.RouteGeneration, SeenAt: r.SeenAt})
	}
	a.releasesAtAGlance(ctx, &s)
	return answer(s), nil
}

func (a *API) endpointsAtAGlance(ctx context.Context, s *wire.Status) error {
	endpoints, err := a.DB.Endpoints(ctx)
	if err != nil {
		return err
	}
	counters, err := a.DB.CountersAll(ctx)
	if err != nil {
		return err
	}
	models, err := a.DB.Models(ctx, understudy.ModelFilter{})
	if err != nil {
		return err
	}
	chosen, live, newest := map[string]understudy.Model{}, map[string]understudy.Model{}, map[string]understudy.Model{}
	var onStage []string
	for _, m := range models { // by version: the newest comes last
		s.Phases[string(m.Phase)]++
		if was, ok := chosen[m.Endpoint]; !ok || rank(m) >= rank(was) {
			chosen[m.Endpoint] = m
		}
		if m.Phase.Active() {
			live[m.Endpoint] = m
		}
		if m.Phase == understudy.Deployed {
			onStage = append(onStage, m.Endpoint)
		}
		if m.Phase != understudy.Retired {
			newest[m.Endpoint] = m
		}
	}
	for _, e := range endpoints {
		if m := newest[e.Name]; m.Phase == understudy.Failed {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s failed in %s: %s", m.Name(), m.FailedPhase, m.Reason))
		}
	}
	now, err := a.atAGlance(ctx, onStage)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if e.Fingerprint == understudy.FingerprintAuto && e.PromptVaries {
			s.Warnings = append(s.Warnings, fmt.Sprintf("Most requests of %s bring a system prompt of their own: its tasks are told apart by tools and response_format alone. Set its fingerprint to tools if that is right, else to full.", e.Name))
		}
		c := counters[e.Name]
		g := wire.EndpointStatus{Name: e.Name, Bypass: e.Bypass, Counters: countersOf(c)}
		if answered := c.LLM + c.SLM; answered > 0 {
			g.SLMShare = float64(c.SLM) / float64(answered)
		}
		if m, ok := chosen[e.Name]; ok {
			shown := inList(m)
			g.Phase, g.Model = string(m.Phase), &shown
		}
		if m, ok := live[e.Name]; ok {
			shown := inList(m)
			g.Live = &shown
		}
		now.tell(&g)
		s.RequestsPerSecond += g.RequestsPerSecond
		s.SavedUSD += g.SavedUSD
		s.Endpoints = append(s.Endpoints, g)
	}
	return nil
}

// tell fills in what the database was asked for some moments ago.
func (g *glance) tell(e *wire.EndpointStatus) {
	agreed, recent := g.agreement[e.Name], g.recent[e.Name]
	if e.Sampled = agreed.n; agreed.n > 0 {
		e.Agreement = agreed.sum / float64(agreed.n)
	}
	if all := recent.LLM + recent.SLM; all > 0 {
		share := float64(recent.SLM) / float64(all)
		e.SLMShareRecent = &share
	}
	e.SLMP50Ms, e.LLMP50Ms = some(recent.SLMP50), some(recent.LLMP50)
	e.RequestsPerSecond = float64(recent.LastMinute) / 60
	e.SavedUSD = g.net[e.Name]
}

// rank says which of an endpoint's models is shown: the one on stage, else the
// newest that is not retired.
func rank(m understudy.Model) int {
	switch m.Phase {
	case understudy.Deployed:
		return 2
	case understudy.Retired:
		return 0
	}
	return 1
}

func (a *API) releasesAtAGlance(ctx context.Context, s *wire.Status) {
	if a.Releases == nil {
		return
	}
	list, err := a.Releases.List(ctx)
	if err != nil {
		s.Warnings = append(s.Warnings, "The releases cannot be listed: "+err.Error())
		return
	}
	for _, r := range list {
		s.Releases = append(s.Releases, wire.Release{Name: r.Name, Revision: r.Revision, Status: r.Status, Updated: r.Updated})
	}
}
