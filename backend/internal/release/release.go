// Package release puts models on stage: it renders charts/slm with the Helm
// SDK, sends the result through kustomize and keeps Helm's records. It is the
// only importer of Helm. Everything here but local.go and records.go is the
// same whatever the objects are applied to.
//
// Nothing secret is in values or in a stored record: the pod's token goes into
// a Secret that is made beside the release and removed with it; values hold
// its SHA-256 only, so that a new token starts new pods.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"sigs.k8s.io/kustomize/api/types"

	understudy "understudy.dev/backend"
)

const (
	// Timeout bounds one Helm action: objects are accepted, not awaited.
	Timeout    = 60 * time.Second
	maxHistory = 3
	// Namespace of all releases unless configured otherwise.
	Namespace = "understudy"
)

// Settings are what every release has in common.
type Settings struct {
	Namespace  string // Namespace where empty
	Overlay    string // of kustomize/slm: base or local
	Image      string // of the inference server, with its tag or digest
	BackendURL string // as pods reach it
	TrainerURL string
	ModelsDir  string // where base files may lie on the node; empty = always pulled
	ModelsURL  string // a mirror of base files, below it each by its name; empty = the catalogue's URLs
	BatchSize  int    // evaluation prompts that a pod fetches at once; 0 = the chart's
	// Values are an operator's, for every release; they cannot change which
	// model it is.
	Values map[string]any
	// Patches are an operator's, applied after the overlay; see ReadPatches.
	Patches []types.Patch
	// HealAfter is how old an unfinished action must be before it counts as
	// left by a dead process; less is refused with Unavailable.
	HealAfter time.Duration
	Log       *slog.Logger
}

// stage is where a release's objects go.
type stage interface {
	// open makes what one action works with; ctx bounds all of it.
	open(ctx context.Context) (*action.Configuration, error)
	// missing names the objects that are not there.
	missing(ctx context.Context, objects kube.ResourceList) ([]string, error)
	// putToken, hasToken and dropToken keep the Secret beside the release.
	hasToken(ctx context.Context, secret string) (bool, error)
	putToken(ctx context.Context, name, secret string, labels map[string]string, token string) error
	dropToken(ctx context.Context, secret string) error
	// sweep removes unreadable records of a release, and says whether there
	// were any.
	sweep(ctx context.Context, name string) (bool, error)
	// clear deletes every object of a release whose record cannot be read.
	clear(ctx context.Context, name string) error
}

// releases implements understudy.Releases over a stage.
type releases struct {
	Settings
	stage  stage
	parts  string // digest of chart and overlay
	render *postRenderer
	locks  sync.Map // by release name
}

var _ understudy.Releases = (*releases)(nil)

func newReleases(s Settings, st stage) (*releases, error) {
	if s.Namespace == "" {
		s.Namespace = Namespace
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if _, err := loadChart(); err != nil {
		return nil, err
	}
	render, err := newPostRenderer(s.Overlay, s.Patches)
	if err != nil {
		return nil, err
	}
	parts, err := partsDigest(s.Overlay, s.Patches)
	if err != nil {
		return nil, err
	}
	return &releases{Settings: s, stage: st, parts: parts, render: render}, nil
}

// lock keeps two actions on one release apart, and returns what ends that.
func (r *releases) lock(name string) func() {
	l, _ := r.locks.LoadOrStore(name, new(sync.Mutex))
	l.(*sync.Mutex).Lock()
	return l.(*sync.Mutex).Unlock
}

// act runs one Helm action. It is not stopped when ctx ends: Helm would go on
// in the background (and leave a goroutine), so an action is short and ends by
// itself. A panic over a strange record becomes an error.
func (r *releases) act(ctx context.Context, name string, do func(context.Context, *action.Configuration) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer r.lock(name)()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("a release action panicked", "release", name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("release %s: its action panicked: %v", name, p)
		}
	}()
	cfg, err := r.stage.open(bounded)
	if err != nil {
		return err
	}
	return do(bounded, cfg)
}

// Apply implements understudy.Releases.
func (r *releases) Apply(ctx context.Context, want understudy.Release) (understudy.Applied, error) {
	values, digest, err := r.plan(want)
	if err != nil {
		return understudy.Applied{}, err
	}
	if want.Token == "" {
		return understudy.Applied{}, understudy.Errorf(understudy.Invalid, "release %s has no token for its pods", want.Name)
	}
	var out understudy.Applied
	err = r.act(ctx, want.Name, func(ctx context.Context, cfg *action.Configuration) error {
		last, err := r.last(ctx, cfg, want.Name)
		if err != nil {
			return err
		}
		if last != nil {
			stands, err := r.stands(ctx, cfg, last, digest)
			if err != nil {
				return err
			}
			if stands {
				out = applied(last)
				return nil
			}
		}
		if last != nil && want.Mode == understudy.ModeBatch && last.Labels[labelDigest] != digest {
			// A Job's template cannot change; answers given are kept elsewhere.
			if _, err := r.uninstall(ctx, cfg, want.Name); err != nil {
				return err
			}
			last = nil
		}
		labels := labelsOf(want, digest)
		if err := r.stage.putToken(ctx, want.Name, tokenSecret(want.Name), labels, want.Token); err != nil {
			return fmt.Errorf("release %s: put the pods' token in place: %w", want.Name, err)
		}
		c, err := loadChart()
		if err != nil {
			return err
		}
		put := r.upgrade
		if last == nil {
			put = r.install
		}
		done, err := put(ctx, cfg, want, c, values, labels)
		if err != nil {
			return explain(want.Name, err)
		}
		r.Log.Info("release applied", "release", want.Name, "revision", done.Version, "digest", digest)
		out = applied(done)
		return nil
	})
	return out, err
}

// Stands implements understudy.Releases. It takes no lock: it only looks.
func (r *releases) Stands(ctx context.Context, name, digest string) (stands bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("release %s: look at its records: %v", name, p)
		}
	}()
	cfg, err := r.stage.open(ctx)
	if err != nil {
		return false, err
	}
	last, err := cfg.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return false, nil // or a record that cannot be read, which Helm passes over
	}
	if err != nil {
		return false, fmt.Errorf("release %s: read its records: %w", name, err)
	}
	return r.stands(ctx, cfg, last, digest)
}

// stands reports whether nothing needs to be done.
func (r *releases) stands(ctx context.Context, cfg *action.Configuration, last *release.Release, digest string) (bool, error) {
	if last.Info.Status != release.StatusDeployed || last.Labels[labelDigest] != digest {
		return false, nil
	}
	objects, err := r.recorded(cfg, last)
	if err != nil {
		return false, nil // a manifest that cannot be read is written anew
	}
	missing, err := r.stage.missing(ctx, objects)
	if err != nil {
		return false, fmt.Errorf("release %s: look at its objects: %w", last.Name, err)
	}
	token, err := r.stage.hasToken(ctx, tokenSecret(last.Name))
	if err != nil {
		return false, fmt.Errorf("release %s: look at its pods' token: %w", last.Name, err)
	}
	if !token {
		missing = append(missing, "Secret/"+tokenSecret(last.Name))
	}
	if len(missing) > 0 {
		r.Log.Warn("objects of a release are gone and are made again", "release", last.Name, "missing", missing)
	}
	return len(missing) == 0, nil
}

// explain makes Invalid of what the chart's schema refuses; what the local
// node says has a code already.
func explain(name string, err error) error {
	if understudy.CodeOf(err) == understudy.Internal && strings.Contains(err.Error(), "values don't meet the specifications of the schema") {
		return understudy.Errorf(understudy.Invalid, "release %s: %v", name, err)
	}
	return fmt.Errorf("release %s: %w", name, err)
}
