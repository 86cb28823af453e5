package httpapi

import (
	"context"
	"net/http"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) trafficRoutes() {
	const tag = "Status"
	handle(a, a.operation(http.MethodGet, "/traffic", "traffic", tag, "Show the requests of all endpoints by time", 200), a.allTraffic)
	handle(a, a.operation(http.MethodGet, "/endpoints/{endpoint}/traffic", "endpoint-traffic", tag, "Show an endpoint's requests by time", 200), a.endpointTraffic)
}

// Span is how far back traffic is shown.
type Span struct {
	Minutes int `query:"minutes" minimum:"1" maximum:"10080" default:"60"`
}

func (a *API) allTraffic(ctx context.Context, in *Span) (*body[wire.Traffic], error) {
	return a.traffic(ctx, "", in.Minutes)
}

func (a *API) endpointTraffic(ctx context.Context, in *struct {
	EndpointPath
	Span
}) (*body[wire.Traffic], error) {
	if _, err := a.endpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	return a.traffic(ctx, in.Endpoint, in.Minutes)
}

// spans are the lengths that points may have; at most maxPoints of them are
// shown.
var spans = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

const maxPoints = 180

func (a *API) traffic(ctx context.Context, endpoint string, minutes int) (*body[wire.Traffic], error) {
	length := time.Duration(minutes) * time.Minute
	span := spans[len(spans)-1]
	for _, s := range spans {
		if length/s <= maxPoints {
			span = s
			break
		}
	}
	now := a.Now().UTC()
	from := now.Add(-length).Truncate(span)
	seen, err := a.DB.Seen(ctx, endpoint, from, maxSeen)
	if err != nil {
		return nil, err
	}
	t := wire.Traffic{BucketSeconds: int(span.Seconds()), Points: []wire.TrafficPoint{}, Truncated: len(seen) == maxSeen}
	for _, p := range understudy.Traffic(seen, from, now, span) {
		t.Points = append(t.Points, wire.TrafficPoint{At: p.At, LLM: p.LLM, SLM: p.SLM, Fallbacks: p.Fallbacks, Failed: p.Failed,
			P50Ms: some(p.P50), P95Ms: some(p.P95), SLMP50Ms: some(p.SLMP50), LLMP50Ms: some(p.LLMP50)})
	}
	return answer(t), nil
}

// maxSeen bounds what one request costs the database.
const maxSeen = 50_000

// some is absent on the wire where there was nothing.
func some(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	x := ms(d)
	return &x
}
