// Package httpapi is the backend's HTTP surface: the management API under
// /api/v1 with its description at /openapi.json and a page at /docs, what SLM
// pods and the trainer ask under /internal/v1, health and metrics, and the
// gateway under /v1.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	understudy "understudy.dev/backend"
)

// Config of an API. What is marked optional may stay zero.
type Config struct {
	DB           Store
	Gateway      http.Handler // takes /v1/*; optional
	AdminKey     string       // of /api/v1
	ServiceToken string       // of /internal/v1, and what SLM pods' tokens are signed with
	Upstreams    []understudy.Upstream
	Releases     ReleaseLister       // optional: without it status names no releases
	Ask          Asker               // optional: without it nothing is compared
	Evaluator    Scorer              // optional: without it comparisons have no similarity
	Observer     understudy.Observer // optional: without it the world is empty
	Prices       Prices              // of the ledger
	Announce     Announcer           // optional: hears of every write
	Routes       Router              // optional: catches up with a write that changes routes before it is answered
	Changes      <-chan struct{}     // optional: something was written by anybody; events are looked for at once

	// Replicated says that other replicas answer requests too: a write that
	// changes routes then waits for them, see rerouted.
	Replicated bool

	Version, Mode    string
	DefaultThreshold float64                     // of a new endpoint; 0: the domain's
	Switches         func() []string             // optional: bypass switches that are on outside the database, and what to do
	Ready            func(context.Context) error // optional: why this replica is not ready

	Poll      time.Duration // between looks for events, default and at most 1 s
	Heartbeat time.Duration // between comments on a quiet event stream, default 15 s
	Now       func() time.Time
}

// ReleaseLister lists the SLM releases on stage.
type ReleaseLister interface {
	List(ctx context.Context) ([]understudy.Applied, error)
}

// Announcer tells other processes to look now. An error costs seconds, never
// work: they look by themselves.
type Announcer interface {
	Wake(ctx context.Context, modelOrEndpoint string) error // the lifecycle
	Changed(ctx context.Context) error                      // every replica
}

// Router is the gateway of this process: what a client was told is done must
// route the client's next request.
type Router interface {
	CatchUp(ctx context.Context) error
}

// API is the backend's http.Handler.
type API struct {
	Config
	engine *gin.Engine
	huma   huma.API
	ended  <-chan struct{}
	wakeUp *broadcast
	glance glance
	alike  likeness
	world  world
}

// New returns the handler. When ctx ends, event streams end, so that a drain
// need not wait for them.
func New(ctx context.Context, c Config) *API {
	if c.Poll <= 0 || c.Poll > time.Second {
		c.Poll = time.Second
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.DefaultThreshold == 0 {
		c.DefaultThreshold = understudy.DefaultThreshold
	}
	a := &API{Config: c, ended: ctx.Done(), wakeUp: newBroadcast()}
	go a.wakeUp.follow(ctx, c.Changes)
	a.routes()
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.engine.ServeHTTP(w, r) }

// OpenAPI returns the API's description.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// announceFor is how long a write waits for Redis.
const announceFor = time.Second

// wrote tells the others of a write; names are models and endpoints that the
// lifecycle should look at.
func (a *API) wrote(ctx context.Context, names ...string) {
	a.wakeUp.all()
	if a.Announce == nil {
		return
	}
	// The write is done: the others hear of it although the client has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceFor)
	defer cancel()
	for _, n := range names {
		_ = a.Announce.Wake(ctx, n)
	}
	_ = a.Announce.Changed(ctx)
}
