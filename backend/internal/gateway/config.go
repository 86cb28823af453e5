package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/capture"
)

// SnapshotSource is the database, as far as routing goes.
type SnapshotSource interface {
	Snapshot(ctx context.Context) (understudy.Snapshot, error)
	// RouteGeneration is cheap; it differs after every change of the snapshot.
	RouteGeneration(ctx context.Context) (int64, error)
}

// SnapshotCache keeps the last snapshot for replicas that start while the
// database is away.
type SnapshotCache interface {
	SaveSnapshot(ctx context.Context, snapshot []byte) error
	LoadSnapshot(ctx context.Context) ([]byte, error)
}

// ActivitySink hears what this replica does. All calls are off the hot path.
type ActivitySink interface {
	UpsertActivity(ctx context.Context, activity []understudy.Activity) error
	Heartbeat(ctx context.Context, replica string, routeGeneration int64, now time.Time) error
}

// Config of a Gateway. What is marked optional may stay zero.
type Config struct {
	DataDir   string // snapshot.json, spool/ and the switch file "bypass" lie here
	Replica   string // names this process among its like, new at every start
	Source    SnapshotSource
	Pairs     capture.Store
	Activity  ActivitySink          // optional
	Addresses understudy.Addresses  // optional: without it no SLM is ever asked
	Cache     SnapshotCache         // optional
	SpoolSink capture.Sink          // optional: nil where DataDir outlives the process, as in local mode
	Changes   <-chan struct{}       // optional: look at the snapshot now
	Wake      func(endpoint string) // optional: an endpoint's SLM is asleep and was wanted; must not block for long
	Upstreams map[string]understudy.Upstream
	Bypass    bool // UNDERSTUDY_BYPASS=on: everything to the LLM, whatever the snapshot says

	MaxBody         int64         // bytes of a request, default 32 MiB; more is answered 413
	MaxCapture      int           // bytes of a request or an answer that are kept, default 1 MiB
	SpoolLimit      int64         // bytes, default 1 GiB
	UpstreamTimeout time.Duration // until an LLM's answer begins, default 10 min

	Metrics prometheus.Registerer // optional
	Logger  *slog.Logger          // optional
	Random  func() float64        // optional: in [0,1), for shares; safe for concurrent use
}
