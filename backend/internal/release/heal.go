package release

import (
	"context"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"

	understudy "understudy.dev/backend"
)

// heal makes a release that an ended process left unfinished usable again: a
// pending one is marked failed, so that the next upgrade goes over it, and one
// that was being uninstalled is uninstalled. The caller holds the release's
// lock: within this process nobody else is at work on it. Another process may
// be, which is what HealAfter is for.
func (r *releases) heal(ctx context.Context, cfg *action.Configuration, last *release.Release) (*release.Release, error) {
	status := last.Info.Status
	switch {
	case status == release.StatusUninstalling || status == release.StatusUninstalled:
		_, err := r.uninstall(ctx, cfg, last.Name)
		return nil, err
	case !status.IsPending():
		return last, nil
	}
	if age := time.Since(last.Info.LastDeployed.Time); age < r.HealAfter {
		return nil, understudy.Errorf(understudy.Unavailable, "release %s is %s since %s ago; it is taken over when that is %s",
			last.Name, status, age.Round(time.Second), r.HealAfter)
	}
	last.SetStatus(release.StatusFailed, fmt.Sprintf("left %s by a process that ended", status))
	if err := cfg.Releases.Update(last); err != nil {
		return nil, fmt.Errorf("release %s: heal its record: %w", last.Name, err)
	}
	r.Log.Warn("an unfinished release was healed", "release", last.Name, "revision", last.Version, "was", string(status))
	return last, nil
}
