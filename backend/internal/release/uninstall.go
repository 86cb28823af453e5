package release

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Remove implements understudy.Releases. The token's Secret goes last: what
// failed before can be tried again.
func (r *releases) Remove(ctx context.Context, name string) error {
	return r.act(ctx, name, func(ctx context.Context, cfg *action.Configuration) error {
		broken, err := r.stage.sweep(ctx, name)
		if err != nil {
			return fmt.Errorf("release %s: %w", name, err)
		}
		if err := r.uninstall(ctx, cfg, name); err != nil {
			return err
		}
		if broken {
			// The record that named the objects is lost: they are found by the
			// release's name.
			if err := r.stage.clear(ctx, name); err != nil {
				return fmt.Errorf("release %s: %w", name, err)
			}
		}
		if err := r.stage.dropToken(ctx, tokenSecret(name)); err != nil {
			return fmt.Errorf("release %s: remove the pods' token: %w", name, err)
		}
		return nil
	})
}

// uninstall removes objects and records; a release that is not there is no
// error.
func (r *releases) uninstall(_ context.Context, cfg *action.Configuration, name string) error {
	uninstall := action.NewUninstall(cfg)
	uninstall.Timeout, uninstall.Wait = Timeout, false
	_, err := uninstall.Run(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return fmt.Errorf("release %s: %w", name, err)
	}
	if err == nil {
		r.Log.Info("release removed", "release", name)
	}
	return nil
}
