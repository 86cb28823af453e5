package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	understudy "understudy.dev/backend"
)

// activity is what this replica knows of each endpoint's SLM. Noting something
// costs a few atomic operations and never waits.
type activity struct {
	endpoints sync.Map // name -> *endpointActivity
	wakes     chan string
	beats     chan struct{}
}

type endpointActivity struct {
	wanted, served atomic.Int64 // Unix nanoseconds, 0 = never
	inFlight       atomic.Int64
	woken          atomic.Int64 // when a wake was last asked for
}

// wakeAgain is how long after a wish to wake the next one is told at once.
const wakeAgain = 5 * time.Second

func newActivity() *activity {
	return &activity{wakes: make(chan string, 64), beats: make(chan struct{}, 1)}
}

func (a *activity) of(endpoint string) *endpointActivity {
	if e, ok := a.endpoints.Load(endpoint); ok {
		return e.(*endpointActivity)
	}
	e, _ := a.endpoints.LoadOrStore(endpoint, &endpointActivity{})
	return e.(*endpointActivity)
}

// want notes that a request could have used the SLM, and tells at once where
// it is asleep.
func (a *activity) want(endpoint string, asleep bool) {
	e, now := a.of(endpoint), time.Now().UnixNano()
	e.wanted.Store(now)
	last := e.woken.Load()
	if asleep && now-last > int64(wakeAgain) && e.woken.CompareAndSwap(last, now) {
		select {
		case a.wakes <- endpoint:
		default: // the next report tells it
		}
	}
}

// beat asks for a report now.
func (a *activity) beat() {
	select {
	case a.beats <- struct{}{}:
	default:
	}
}

// reportActivity tells the sink what there is, every few seconds and when an
// endpoint that is asleep is wanted.
func (g *Gateway) reportActivity(ctx context.Context) {
	tick := time.NewTicker(activityEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-g.activity.wakes:
			g.tell(ctx, g.activityOf(name))
			if g.cfg.Wake != nil {
				g.cfg.Wake(name)
			}
			continue
		case <-tick.C:
		case <-g.activity.beats:
		}
		g.heartbeat(ctx)
		if st := g.state.Load(); st != nil {
			var all []understudy.Activity
			for name, e := range st.Endpoints {
				if _, seen := g.activity.endpoints.Load(name); seen || e.Target != nil {
					all = append(all, g.activityOf(name))
				}
			}
			g.tell(ctx, all...)
		}
	}
}

func (g *Gateway) activityOf(name string) understudy.Activity {
	e := g.activity.of(name)
	return understudy.Activity{
		Endpoint: name, Replica: g.cfg.Replica, InFlight: int(e.inFlight.Load()), UpdatedAt: time.Now(),
		LastWantedAt: moment(e.wanted.Load()), LastServedAt: moment(e.served.Load()),
	}
}

func moment(nano int64) *time.Time {
	if nano == 0 {
		return nil
	}
	t := time.Unix(0, nano)
	return &t
}

func (g *Gateway) tell(ctx context.Context, list ...understudy.Activity) {
	if g.cfg.Activity == nil || len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	if err := g.cfg.Activity.UpsertActivity(ctx, list); err != nil && ctx.Err() == nil {
		g.log.Debug("gateway: the activity could not be stored", "error", err)
	}
}

// heartbeat says that this replica lives, and acknowledges the generation that
// new requests are routed by.
func (g *Gateway) heartbeat(ctx context.Context) {
	if g.cfg.Activity == nil || g.state.Load() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	if err := g.cfg.Activity.Heartbeat(ctx, g.cfg.Replica, g.generation(), time.Now()); err != nil && ctx.Err() == nil {
		g.log.Debug("gateway: the heartbeat could not be stored", "error", err)
	}
}
