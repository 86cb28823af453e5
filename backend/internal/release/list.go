package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage/driver"

	understudy "understudy.dev/backend"
)

// List implements understudy.Releases, as `helm list` shows them. A release
// whose record cannot be read has the status unknown.
func (r *releases) List(ctx context.Context) (out []understudy.Applied, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("list releases: %v", p)
		}
	}()
	cfg, err := r.stage.open(ctx)
	if err != nil {
		return nil, err
	}
	list := action.NewList(cfg)
	list.StateMask = action.ListAll | action.ListUnknown
	list.Selector = labelApp + "=" + appName
	found, err := list.Run()
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	for _, rel := range found {
		out = append(out, applied(rel))
	}
	return out, nil
}

func applied(rel *release.Release) understudy.Applied {
	return understudy.Applied{
		Name: rel.Name, Revision: rel.Version, Digest: rel.Labels[labelDigest], Status: rel.Info.Status.String(),
		Updated: rel.Info.LastDeployed.UTC().Format(time.RFC3339), Labels: rel.Labels,
	}
}

// last returns the newest revision, nil where there is none, after healing
// what a dead process left.
func (r *releases) last(ctx context.Context, cfg *action.Configuration, name string) (*release.Release, error) {
	if _, err := r.stage.sweep(ctx, name); err != nil {
		return nil, fmt.Errorf("release %s: %w", name, err)
	}
	history, err := cfg.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, fmt.Errorf("release %s: read its records: %w", name, err)
	}
	if len(history) == 0 {
		return nil, nil
	}
	releaseutil.Reverse(history, releaseutil.SortByRevision)
	return r.heal(ctx, cfg, history[0])
}

// recorded are the objects that a release's manifest names.
func (r *releases) recorded(cfg *action.Configuration, rel *release.Release) (kube.ResourceList, error) {
	return cfg.KubeClient.Build(bytes.NewBufferString(rel.Manifest), false)
}
