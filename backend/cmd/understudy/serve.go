package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/evaluatorclient"
	"understudy.dev/backend/internal/gateway"
	"understudy.dev/backend/internal/gateway/capture"
	"understudy.dev/backend/internal/httpapi"
	"understudy.dev/backend/internal/lifecycle"
	"understudy.dev/backend/internal/queue"
	"understudy.dev/backend/internal/trainerclient"
	"understudy.dev/backend/internal/usage"
	"understudy.dev/backend/internal/wire"
	"understudy.dev/service/child"
	"understudy.dev/service/serve"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the backend: gateway, lifecycle and management API (configured by the environment)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			child.DieWithParent(nil)
			c, err := config.Read(a.lookup)
			if err != nil {
				return fmt.Errorf("the configuration has mistakes:\n%w", err)
			}
			slog.SetDefault(slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: c.LogLevel})))
			understudy.UseBases(c.Bases)
			b, err := newBackend(cmd.Context(), c)
			if err != nil {
				return err
			}
			return errors.Join(b.Run(cmd.Context()), b.Close())
		},
	}
}

// lookup is the environment, with the flags' values over it.
func (a *app) lookup(name string) (string, bool) {
	if name == "UNDERSTUDY_DATA_DIR" {
		return a.dataDir, true
	}
	return os.LookupEnv(name)
}

// backend is the whole backend, wired.
type backend struct {
	config    config.Config
	db        *database.DB
	queue     *queue.Queue
	stage     *stage
	gateway   *gateway.Gateway
	lifecycle *lifecycle.Lifecycle
	api       *httpapi.API
}

func newBackend(ctx context.Context, c config.Config) (*backend, error) {
	if c.AdminKey == "" || c.ServiceToken == "" {
		return nil, errors.New("UNDERSTUDY_ADMIN_KEY and UNDERSTUDY_SERVICE_TOKEN must be set; `understudy up` makes them")
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, err
	}
	b := &backend{config: c}
	if err := b.wire(ctx, c); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *backend) wire(ctx context.Context, c config.Config) (err error) {
	if b.db, err = database.Open(ctx, c.DatabaseURL); err != nil {
		return err
	}
	if b.queue, err = queue.Open(c.RedisURL); err != nil {
		return err
	}
	if b.stage, err = openStage(c, b.db); err != nil {
		return err
	}
	upstreams := map[string]understudy.Upstream{}
	for _, u := range c.Upstreams {
		upstreams[u.Name] = u
	}
	b.gateway, err = gateway.New(gateway.Config{
		DataDir: c.DataDir, Replica: b.stage.replica, Source: b.db, Pairs: b.db, Activity: b.db, Addresses: b.stage,
		Cache: b.queue, SpoolSink: b.spoolSink(), Changes: b.queue.Changes(ctx), Upstreams: upstreams, Bypass: c.Bypass,
		Wake:    func(endpoint string) { b.wake(endpoint) },
		Metrics: prometheus.DefaultRegisterer, Logger: slog.Default(),
	})
	if err != nil {
		return err
	}
	evaluator := evaluatorclient.New(c.EvaluatorURL, c.ServiceToken, c.EvaluationBatchSize)
	b.lifecycle = lifecycle.New(lifecycle.Config{
		DB: b.db, Releases: b.stage, Runtime: b.stage,
		Trainer:   trainerclient.New(c.TrainerURL, c.ServiceToken),
		Evaluator: evaluator,
		Wakes:     b.queue.Wakes, Announce: b.announce, ServiceToken: c.ServiceToken, BackendURL: c.BackendURL,
		MaxDeployments: c.MaxDeployments, DeployDeadline: c.DeployDeadline, BatchSize: c.EvaluationBatchSize, TrainingProvider: c.TrainingProvider,
		TrainingDeadline: c.TrainingDeadline, MaxCostUSD: c.TrainingMaxCostUSD, GPUCandidates: c.TrainingGPUs, Metrics: prometheus.DefaultRegisterer,
	})
	b.api = httpapi.New(ctx, httpapi.Config{
		DB: b.db, Gateway: b.gateway, AdminKey: c.AdminKey.Reveal(), ServiceToken: c.ServiceToken.Reveal(), Upstreams: c.Upstreams,
		Releases: b.stage, Announce: b.queue, Routes: b.gateway, Replicated: c.Runtime == "kubernetes", Changes: b.queue.Changes(ctx), Version: version, Mode: c.Runtime,
		DefaultThreshold: c.DefaultThreshold, Switches: b.switches,
		Ready: func(context.Context) error { return b.gateway.Ready() },
		Ask:   b.gateway, Evaluator: evaluator, Observer: b.stage, Prices: pricesOf(c),
	})
	prometheus.MustRegister(b.api.Metrics(ctx))
	return nil
}

// switches are those that are on and that no write to the database turns off.
func (b *backend) switches() []string {
	var on []string
	if b.config.Bypass {
		on = append(on, "UNDERSTUDY_BYPASS is on; start without it")
	}
	// In a cluster the file is one pod's and says nothing of the others.
	if file := b.gateway.BypassFile(); file != "" && b.config.Runtime == "local" {
		on = append(on, "there is a file "+file+"; remove it")
	}
	return on
}

// pricesOf is what the ledger reckons with.
func pricesOf(c config.Config) httpapi.Prices {
	threads := runtime.NumCPU()
	if c.Runtime == "kubernetes" {
		threads = 4 // the limit of an SLM's pod
	}
	return httpapi.Prices{
		List:       wire.PriceList{Source: c.Prices.Source, Date: c.Prices.Date, Unit: c.Prices.Unit, Models: c.Prices.Prices},
		Rates:      understudy.Rates{CPUHour: c.CPUUSDHour, PodHour: c.PodUSDHour, Threads: threads},
		Processors: runtime.NumCPU(),
	}
}

// spoolSink takes the spool where the disk under it goes with the pod.
func (b *backend) spoolSink() capture.Sink {
	if b.config.Runtime == "local" {
		return nil
	}
	return b.queue
}

// wake tells the lifecycle to look at an endpoint now. A message that is lost
// costs seconds, so nobody waits long for it.
func (b *backend) wake(endpoint string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = b.queue.Wake(ctx, endpoint)
}

func (b *backend) announce(ctx context.Context) { _ = b.queue.Changed(ctx) }

// Run serves until ctx ends, then drains: the gateway finishes its requests
// and flushes what it captured.
func (b *backend) Run(ctx context.Context) error {
	ln, err := serve.Listen(b.config.ListenAddr)
	if err != nil {
		return err
	}
	slog.Info("the backend listens", "address", ln.Addr().String(), "version", version)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve.HTTP(ctx, ln, b.api, b.config.DrainTime) })
	g.Go(func() error { return ignoreEnd(ctx, b.gateway.Run(ctx)) })
	g.Go(func() error { return b.lead(ctx) })
	return g.Wait()
}

// lead migrates the database and takes models through their phases. Requests
// are answered meanwhile, by the last snapshot, if there is one.
func (b *backend) lead(ctx context.Context) error {
	for {
		err := b.db.Migrate(ctx)
		if err == nil {
			break
		}
		slog.Error("the database cannot be brought up to date", "error", err)
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
	return ignoreEnd(ctx, b.stage.leader.Run(ctx, func(ctx context.Context) {
		epoch, err := b.db.RaiseEpoch(ctx)
		if err != nil {
			slog.Error("the leadership cannot be recorded", "error", err)
			return
		}
		meter := usage.Meter{Store: b.db, Addresses: b.stage}
		leading, stop := context.WithCancel(ctx)
		var measuring sync.WaitGroup
		measuring.Go(func() { meter.Run(leading) })
		b.lifecycle.Run(ctx, epoch)
		stop()
		measuring.Wait()
	}))
}

// Close releases what is held; after Run.
func (b *backend) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var err error
	if b.gateway != nil {
		err = errors.Join(err, b.gateway.Close(ctx))
	}
	if b.stage != nil {
		err = errors.Join(err, b.stage.close())
	}
	if b.queue != nil {
		err = errors.Join(err, b.queue.Close())
	}
	if b.db != nil {
		err = errors.Join(err, b.db.Close())
	}
	return err
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
