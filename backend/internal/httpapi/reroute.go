package httpapi

import (
	"context"
	"log/slog"
	"time"
)

const (
	// rerouteFor bounds the wait for the other replicas; one that died lately
	// never answers.
	rerouteFor  = 2 * time.Second
	rerouteLook = 20 * time.Millisecond
)

// rerouted is wrote for what requests are routed by: it returns when this
// gateway and every other live replica route by it, so that the client's next request, whoever
// answers it, meets what the client was told is done.
func (a *API) rerouted(ctx context.Context, names ...string) {
	a.wrote(ctx, names...)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rerouteFor)
	defer cancel()
	if a.Routes != nil {
		if err := a.Routes.CatchUp(ctx); err != nil {
			slog.Warn("the routes are not fresh yet; the next poll reads them", "error", err)
		}
	}
	if !a.Replicated {
		return
	}
	look := time.NewTicker(rerouteLook)
	defer look.Stop()
	for {
		behind, err := a.behind(ctx)
		if err == nil && behind == 0 {
			return
		}
		select {
		case <-look.C: // replicas say so in the database
		case <-ctx.Done():
			slog.Warn("some replicas do not route by a change yet; they look every two seconds", "replicas", behind, "error", err)
			return
		}
	}
}

// behind counts the live replicas that route by an older generation.
func (a *API) behind(ctx context.Context) (int, error) {
	now, err := a.DB.RouteGeneration(ctx)
	if err != nil {
		return 0, err
	}
	live, err := a.DB.LiveReplicas(ctx, a.Now())
	n := 0
	for _, r := range live {
		if r.RouteGeneration < now {
			n++
		}
	}
	return n, err
}
