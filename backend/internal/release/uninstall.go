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
		known, err := r.uninstall(ctx, cfg, name)
		if err != nil {
			return err
		}
		if broken || !known {
			// The record that named the objects is lost, now or before a try that
			// did not get this far: they are found by the release's name.
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

// uninstall removes objects and records; known is false where there is no
// record.
func (r *releases) uninstall(_ context.Context, cfg *action.Configuration, name string) (known bool, err error) {
	uninstall := action.NewUninstall(cfg)
	uninstall.Timeout, uninstall.Wait = Timeout, false
	_, err = uninstall.Run(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("release %s: %w", name, err)
	}
	r.Log.Info("release removed", "release", name)
	return true, nil
}
