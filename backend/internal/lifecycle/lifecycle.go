// Package lifecycle is what decides: it takes models through their phases. It
// is level-triggered: a look at a model reads its row, looks at the world
// (trainer job, release, pods, scores) and takes at most one step, which may
// be repeated after a crash at any point. Only the leader runs it, and every
// write carries the leader's epoch. What performs (database, Helm, trainer,
// evaluator) is called through the small interfaces in world.go.
package lifecycle

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// Config is what a Lifecycle works with. Zero durations and numbers become the
// defaults that Defaults names.
type Config struct {
	DB        Store
	Releases  understudy.Releases
	Runtime   understudy.Runtime
	Trainer   Trainer
	Evaluator Evaluator

	// Wakes subscribes to model ids and endpoint names that should be looked
	// at now; nil = none. It is called once for each leadership.
	Wakes func(ctx context.Context) <-chan string
	// Announce tells every replica that the routes changed; nil = nobody.
	Announce func(ctx context.Context)

	ServiceToken   env.Secret // signs the pods' tokens
	BackendURL     string     // as the trainer reaches it, for the data set
	MaxDeployments int
	BatchSize      int // answers scored in one step

	TrainingProvider string        // of endpoints that name none
	TrainingDeadline time.Duration // of one training
	MaxCostUSD       float64       // of one training; 0 = no limit
	GPUCandidates    []string
	AgentImage       string

	DeployDeadline  time.Duration // for a release to become ready and answer
	EvaluationStall time.Duration // an evaluation without a new answer for so long has failed
	DrainGrace      time.Duration // beyond the longest request, before a replaced release goes

	Poll   time.Duration // between looks at work in progress
	Active time.Duration // between looks at a phase that something else moves
	Idle   time.Duration // between looks at everything else, spread
	Survey time.Duration // between surveys of all rows for what no wake-up told

	Now    func() time.Time
	Client *http.Client // for the probe

	Metrics prometheus.Registerer // nil = not shown to anybody
}

// Defaults fills in what was left out.
func (c Config) Defaults() Config {
	c.MaxDeployments = cmp.Or(c.MaxDeployments, 10)
	c.BatchSize = cmp.Or(c.BatchSize, 100)
	c.TrainingProvider = cmp.Or(c.TrainingProvider, "local")
	c.TrainingDeadline = cmp.Or(c.TrainingDeadline, 4*time.Hour)
	c.DeployDeadline = cmp.Or(c.DeployDeadline, 5*time.Minute)
	c.EvaluationStall = cmp.Or(c.EvaluationStall, 15*time.Minute)
	c.DrainGrace = cmp.Or(c.DrainGrace, 10*time.Second)
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Active = cmp.Or(c.Active, 30*time.Second)
	c.Idle = cmp.Or(c.Idle, 10*time.Minute)
	c.Survey = cmp.Or(c.Survey, 5*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Announce == nil {
		c.Announce = func(context.Context) {}
	}
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	return c
}

// Lifecycle may lead again and again, once at a time.
type Lifecycle struct {
	config Config
	meter  *meter
}

// New registers its metrics and does nothing else yet.
func New(c Config) *Lifecycle {
	c = c.Defaults()
	l := &Lifecycle{config: c, meter: newMeter(c.Metrics)}
	l.config.DB = measured{c.DB, l.meter}
	return l
}

// lead is one leadership.
type lead struct {
	Config
	epoch int64
	memos memos
	poke  func(key string) // look at it now
}

func newLead(c Config, epoch int64) *lead {
	return &lead{Config: c, epoch: epoch, memos: memos{by: map[string]*memo{}}, poke: func(string) {}}
}

// Run leads with an epoch that RaiseEpoch returned. It blocks until ctx ends
// or a later epoch is found in the database, and until what it was doing is
// done.
func (l *Lifecycle) Run(ctx context.Context, epoch int64) {
	l.meter.leader.Set(1)
	defer l.meter.leader.Set(0)
	newLead(l.config, epoch).run(ctx)
}
