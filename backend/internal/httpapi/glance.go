package httpapi

import (
	"context"
	"sync"
	"time"

	understudy "understudy.dev/backend"
)

// glance is what status shows and what takes the database more than a moment:
// several pages that look every second share one.
type glance struct {
	mu        sync.Mutex
	at        time.Time
	recent    map[string]understudy.Recent
	net       map[string]float64 // of the ledger
	agreement map[string]agreed  // of the endpoints with a model on stage
}

const (
	glanceFor  = 2 * time.Second
	recentSpan = 15 * time.Minute
	// recentMost bounds the look at the last minutes; beyond, shares and
	// percentiles are those of the newest answers.
	recentMost = 20_000
	savedDays  = 30
)

// atAGlance returns one that is at most glanceFor old.
func (a *API) atAGlance(ctx context.Context, onStage []string) (*glance, error) {
	g := &a.glance
	g.mu.Lock()
	defer g.mu.Unlock()
	now := a.Now()
	if !g.at.IsZero() && now.Sub(g.at) < glanceFor {
		return g.copy(), nil
	}
	seen, err := a.DB.Seen(ctx, "", now.Add(-recentSpan), recentMost)
	if err != nil {
		return nil, err
	}
	ledgers, err := a.ledgers(ctx, "", savedDays)
	if err != nil {
		return nil, err
	}
	agreement := map[string]agreed{}
	for _, name := range onStage {
		if agreement[name], err = a.agreement(ctx, name); err != nil {
			return nil, err
		}
	}
	net := map[string]float64{}
	for _, l := range ledgers {
		net[l.Endpoint] = l.Sum.NetUSD
	}
	g.at, g.recent, g.net, g.agreement = now, understudy.RecentOf(seen, now.Add(-time.Minute)), net, agreement
	return g.copy(), nil
}

// copy shares the maps, which nobody changes.
func (g *glance) copy() *glance {
	return &glance{recent: g.recent, net: g.net, agreement: g.agreement}
}
