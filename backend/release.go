package understudy

import (
	"context"
	"time"
)

// ReleaseMode says what a release of charts/slm runs.
type ReleaseMode string

const (
	ModeServe ReleaseMode = "serve"
	ModeBatch ReleaseMode = "batch"
)

// Release is what the lifecycle wants on stage: one Helm release.
type Release struct {
	Name     string
	Endpoint string
	Version  int
	ModelID  string
	Attempt  int
	Mode     ReleaseMode
	Base     Base
	Adapter  Artifact
	Manifest Artifact
	Token    string // the pod's; goes into a Secret, never into values
}

// Applied is a release as it stands.
type Applied struct {
	Name     string
	Revision int
	Digest   string // of chart, values and overlay
	Status   string // Helm's: deployed, failed, pending-install, ...
	Updated  string // RFC 3339
	Labels   map[string]string
}

// Releases puts releases on stage and takes them off. Both implementations
// (Kubernetes, local node) share one conformance test.
type Releases interface {
	// Digest says, without acting, what digest Apply would give.
	Digest(r Release) (string, error)
	// Apply installs or upgrades; it does nothing where the digest is the
	// applied one and every recorded object is there. It returns when the
	// objects are accepted, not when they are ready.
	Apply(ctx context.Context, r Release) (Applied, error)
	// Stands reports, without acting, whether Apply of a release with this
	// digest would do nothing.
	Stands(ctx context.Context, name, digest string) (bool, error)
	// Remove uninstalls; a release that is not there is no error.
	Remove(ctx context.Context, name string) error
	// List returns the platform's SLM releases, by name.
	List(ctx context.Context) ([]Applied, error)
}

// WorkloadState says how a release's Deployment or Job is doing.
type WorkloadState struct {
	Exists    bool
	Replicas  int // wanted
	Ready     int
	Succeeded bool   // a Job that is done
	Failed    bool   // a Job that is given up
	Reason    string // why it is not ready, in words a user can act on
	Version   string // for Scale's compare-and-set
}

// Runtime looks at running workloads and scales them. Both implementations
// (Kubernetes, local node) share one conformance test.
type Runtime interface {
	Addresses
	State(ctx context.Context, release string) (WorkloadState, error)
	// Scale sets a Deployment's replicas; ErrStale if version is not the one read.
	Scale(ctx context.Context, release string, replicas int, version string) error
	// Changed receives a release's name whenever State or Ready may have
	// changed; the channel is never closed and may drop repeats.
	Changed() <-chan string
}

// Leader runs work while this process is the leader. Both implementations
// (Lease, alone) share one conformance test.
type Leader interface {
	// Run calls lead with a context that ends when leadership is lost, again
	// and again until ctx ends.
	Run(ctx context.Context, lead func(context.Context)) error
}

// ReleaseRecord is Helm's own record of one revision as the database keeps it
// in local mode. Body is Helm's encoded release; the other fields are for
// finding it.
type ReleaseRecord struct {
	Key        string // unique, e.g. sh.helm.release.v1.slm-triage-v1.v1
	Name       string
	Namespace  string
	Version    int
	Status     string
	Owner      string
	Labels     map[string]string
	Body       string
	CreatedAt  time.Time
	ModifiedAt time.Time
}
