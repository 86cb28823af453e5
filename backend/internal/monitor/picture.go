// Package monitor shows a platform in a terminal: what is on stage, what is
// learning, which pods, services, volumes and jobs there are, and what just
// happened. It knows the management API and nothing else, so it is the same
// for one machine and for a cluster.
package monitor

import (
	"context"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

// Picture is the platform at one moment.
type Picture struct {
	At      time.Time    `json:"at"`
	URL     string       `json:"url"`
	Status  wire.Status  `json:"status"`
	World   wire.World   `json:"world"`
	Traffic wire.Traffic `json:"traffic"`
	Events  []wire.Event `json:"events"` // newest first
}

const (
	trafficMinutes = 5
	events         = "100"
	lookFor        = 10 * time.Second
)

// Look takes a picture.
func Look(ctx context.Context, api *client.Client) (Picture, error) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	p := Picture{URL: api.URL}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { p.Status, err = api.Status(ctx); return err })
	g.Go(func() (err error) { p.World, err = api.World(ctx); return err })
	g.Go(func() (err error) { p.Traffic, err = api.Traffic(ctx, trafficMinutes); return err })
	g.Go(func() error {
		page, err := api.EventPage(ctx, url.Values{"limit": {events}})
		p.Events = page.Items
		return err
	})
	err := g.Wait()
	p.At = time.Now()
	return p, err
}
