package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	understudy "understudy.dev/backend"
)

const (
	// LeaseName is the Lease that the replicas compete for.
	LeaseName = "understudy-leader"
	// LeaseDuration is how long after its last word a leader counts as dead.
	LeaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Lease implements understudy.Leader with a Kubernetes Lease. It is no fence:
// a leader that was paused may act once more, so writes compare the epoch.
type Lease struct {
	Client    kubernetes.Interface
	Namespace string
	Identity  string // unique and not empty
	Log       *slog.Logger
}

var _ understudy.Leader = Lease{}

// Run implements understudy.Leader.
func (l Lease) Run(ctx context.Context, lead func(context.Context)) error {
	for ctx.Err() == nil {
		if err := l.once(ctx, lead); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return ctx.Err()
}

// once competes, leads once and returns when lead has returned. The lease is
// given back only then: a successor begins when nothing is under way any more.
func (l Lease) once(ctx context.Context, lead func(context.Context)) error {
	elect, giveBack := context.WithCancel(context.WithoutCancel(ctx))
	defer giveBack()
	var turn turn
	defer context.AfterFunc(ctx, func() { // nothing to wait for
		if !turn.began() {
			giveBack()
		}
	})()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: LeaseName, LeaseDuration: LeaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod, ReleaseOnCancel: true,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: LeaseName, Namespace: l.Namespace}, Client: l.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: l.Identity},
		},
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(held context.Context) {
				if !turn.begin() {
					return
				}
				defer turn.end()
				defer giveBack()
				work, stop := context.WithCancel(ctx)
				defer stop()
				defer context.AfterFunc(held, stop)()
				l.Log.Info("this replica leads", "identity", l.Identity)
				lead(work)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("compete for the lease %s: %w", LeaseName, err)
	}
	elector.Run(elect)
	turn.over()
	return nil
}

// turn is one term of office: it may begin once, and not after it was called
// over.
type turn struct {
	mu            sync.Mutex
	begun, closed bool
	done          sync.WaitGroup
}

func (t *turn) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.begun {
		return false
	}
	t.begun = true
	t.done.Add(1)
	return true
}

func (t *turn) began() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

func (t *turn) end() { t.done.Done() }

// over lets no term begin any more and waits for the one that did.
func (t *turn) over() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.done.Wait()
}
