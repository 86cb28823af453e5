package lifecycle

import (
	"context"
	"fmt"

	understudy "understudy.dev/backend"
	"understudy.dev/service/token"
)

// release says what should be on stage for a model in a mode.
func (l *lead) release(m understudy.Model, mode understudy.ReleaseMode) (understudy.Release, error) {
	base, err := understudy.FindBase(m.Base)
	if err != nil {
		return understudy.Release{}, err
	}
	adapter, ok := m.Artifact(understudy.ArtifactAdapter)
	manifest, there := m.Artifact(understudy.ArtifactManifest)
	if !ok || !there {
		return understudy.Release{}, understudy.Errorf(understudy.Invalid, "%s has no adapter: train a new version", m.Name())
	}
	r := understudy.Release{
		Name: understudy.ReleaseName(m.Endpoint, m.Version), Endpoint: m.Endpoint, Version: m.Version,
		ModelID: m.ID, Attempt: m.Attempt, Mode: mode, Base: base, Adapter: adapter, Manifest: manifest,
	}
	scope := token.ScopeServe
	if mode == understudy.ModeBatch {
		r.Name, scope = understudy.EvaluationReleaseName(m.Endpoint, m.Version, m.Attempt), token.ScopeBatch
	}
	r.Token, err = token.Sign(l.ServiceToken.Reveal(), token.Claims{Model: m.ID, Attempt: m.Attempt, Scope: scope})
	return r, err
}

// apply puts a release on stage where it is not as it should be: another
// digest than the one that was applied, or something of it is missing. It
// returns the model as saved and whether anything was done.
func (l *lead) apply(ctx context.Context, m understudy.Model, r understudy.Release, state understudy.WorkloadState) (understudy.Model, bool, error) {
	digest, err := l.Releases.Digest(r)
	if err != nil {
		return m, false, err
	}
	if m.ReleaseDigest == digest && state.Exists {
		if stands, err := l.stands(ctx, m, r, state, digest); stands || err != nil {
			return m, false, err
		}
	}
	if err := l.fence(ctx); err != nil {
		return m, false, err
	}
	applied, err := l.Releases.Apply(ctx, r)
	if err != nil {
		return m, false, err
	}
	if m.ReleaseDigest == applied.Digest && m.Revision == applied.Revision {
		return m, true, nil // its objects were missing and are back
	}
	next, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.ReleaseDigest, m.Revision = applied.Digest, applied.Revision
	})
	if err != nil {
		return m, true, err
	}
	l.say(ctx, m, "release.applied", fmt.Sprintf("Release %s, revision %d, is applied", r.Name, applied.Revision),
		map[string]any{"release": r.Name, "revision": applied.Revision, "mode": r.Mode})
	return next, true, nil
}

// stands holds a release that seems to be there against its record, now and
// then: what somebody deletes by hand, a Service or the record itself, is not
// seen in the state of its workload. A Service that is gone shows soon: its
// pods are ready and have no address.
func (l *lead) stands(ctx context.Context, m understudy.Model, r understudy.Release, state understudy.WorkloadState, digest string) (bool, error) {
	memo, every := l.memos.of(modelKey+m.ID), l.Active
	if r.Mode == understudy.ModeServe && state.Ready > 0 && len(l.Runtime.Ready(r.Name)) == 0 {
		every = l.Survey
	}
	now := l.Now()
	if now.Sub(memo.compared) < every {
		return true, nil
	}
	stands, err := l.Releases.Stands(ctx, r.Name, digest)
	if err == nil && stands {
		memo.compared = now
	}
	return stands, err
}

func (l *lead) remove(ctx context.Context, release string) error {
	if err := l.fence(ctx); err != nil {
		return err
	}
	return l.Releases.Remove(ctx, release)
}

// fence returns ErrStale where another leader has come: a Lease alone does not
// keep an old leader from acting.
func (l *lead) fence(ctx context.Context) error {
	now, err := l.DB.Epoch(ctx)
	if err == nil && now != l.epoch {
		return understudy.ErrStale
	}
	return err
}
