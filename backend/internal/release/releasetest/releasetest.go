// Package releasetest has the conformance test that every implementation of
// understudy.Releases and understudy.Runtime passes.
package releasetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// Stage is an implementation under test with nothing on it. Its image's
// program serves /healthz and /readyz, ends with 0 in batch mode, and crashes
// where MODEL_ALIAS begins with crashes-.
type Stage struct {
	Releases understudy.Releases
	Runtime  understudy.Runtime
	// Delete takes an object away behind the back of Releases.
	Delete func(t *testing.T, kind, name string)
}

// Release is one that can be applied; base must be servable on the stage.
func Release(endpoint string, version int, mode understudy.ReleaseMode, base understudy.Base) understudy.Release {
	r := understudy.Release{
		Name: understudy.ReleaseName(endpoint, version), Endpoint: endpoint, Version: version,
		ModelID: "0198c0de-0000-7000-8000-000000000001", Attempt: 1, Mode: mode, Base: base,
		Adapter: understudy.Artifact{Name: understudy.ArtifactAdapter, SHA256: Sum("adapter")}, Token: "the-pods-token",
		Manifest: understudy.Artifact{Name: understudy.ArtifactManifest, SHA256: Sum("manifest")},
	}
	if mode == understudy.ModeBatch {
		r.Name = understudy.EvaluationReleaseName(endpoint, version, r.Attempt)
	}
	return r
}

// Sum is a SHA-256 in hex.
func Sum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Await returns the first state that ok accepts, looking again whenever the
// runtime says that something changed.
func Await(t *testing.T, r understudy.Runtime, release, what string, ok func(understudy.WorkloadState, []string) bool) understudy.WorkloadState {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		s, err := r.State(t.Context(), release)
		if err == nil && ok(s, r.Ready(release)) {
			return s
		}
		select {
		case <-r.Changed():
		case <-limit.C:
			t.Fatalf("%s never was %s: %+v %v, %v", release, what, s, r.Ready(release), err)
		}
	}
}

// Serving accepts a release with as many ready pods as are wanted, known by
// their addresses.
func Serving(s understudy.WorkloadState, addresses []string) bool {
	return s.Replicas > 0 && s.Ready == s.Replicas && len(addresses) == s.Replicas
}

// Apply applies a release that must be accepted.
func Apply(t *testing.T, s Stage, r understudy.Release) understudy.Applied {
	t.Helper()
	a, err := s.Releases.Apply(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Run runs the conformance test; open gives a fresh stage, and base is one
// that can be served there.
func Run(t *testing.T, base understudy.Base, open func(t *testing.T) Stage) {
	cases := map[string]func(*testing.T, Stage, understudy.Base){
		"a release is served, listed and removed":      served,
		"applying twice does nothing":                  twice,
		"another adapter is an upgrade":                upgraded,
		"a release sleeps and wakes":                   sleeps,
		"a deleted object is made again":               drifts,
		"a release that crashes says why":              crashes,
		"a batch succeeds, and runs again when it can": batches,
		"a batch that fails says why":                  batchFails,
		"the longest name":                             longest,
		"what is not there":                            absent,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) { test(t, open(t), base) })
	}
}

func served(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 3, understudy.ModeServe, base)
	want, err := s.Releases.Digest(r)
	if err != nil {
		t.Fatal(err)
	}
	a := Apply(t, s, r)
	if a.Name != "slm-triage-v3" || a.Revision != 1 || a.Digest != want || a.Status != "deployed" {
		t.Errorf("applied %+v, digest said %s", a, want)
	}
	Await(t, s.Runtime, r.Name, "served", Serving)
	res, err := http.Get(s.Runtime.Ready(r.Name)[0] + "/readyz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET /readyz: %v, %v", res, err)
	}
	res.Body.Close()

	list, err := s.Releases.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("listed %+v, %v", list, err)
	}
	for label, want := range map[string]string{"endpoint": "triage", "version": "3", "model-id": r.ModelID, "attempt": "1", "mode": "serve"} {
		if got := list[0].Labels["understudy.dev/"+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	if list[0].Digest != want || list[0].Status != "deployed" || list[0].Updated == "" {
		t.Errorf("listed %+v", list[0])
	}
	for range 2 {
		if err := s.Releases.Remove(t.Context(), r.Name); err != nil {
			t.Fatal(err)
		}
	}
	Await(t, s.Runtime, r.Name, "gone", func(w understudy.WorkloadState, a []string) bool { return !w.Exists && len(a) == 0 })
	if list, err := s.Releases.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after removal: %+v, %v", list, err)
	}
}

func twice(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 1, understudy.ModeServe, base)
	first := Apply(t, s, r)
	before := Await(t, s.Runtime, r.Name, "served", Serving)
	address := s.Runtime.Ready(r.Name)[0]
	second := Apply(t, s, r)
	if second.Revision != first.Revision || second.Digest != first.Digest {
		t.Errorf("%+v, then %+v", first, second)
	}
	after, err := s.Runtime.State(t.Context(), r.Name)
	if err != nil || after != before || s.Runtime.Ready(r.Name)[0] != address {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
}

func upgraded(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 1, understudy.ModeServe, base)
	first := Apply(t, s, r)
	Await(t, s.Runtime, r.Name, "served", Serving)
	address := s.Runtime.Ready(r.Name)[0]
	changes := map[string]func(*understudy.Release){
		"the adapter": func(r *understudy.Release) { r.Adapter.SHA256 = Sum("another") },
		"the token":   func(r *understudy.Release) { r.Token = "another" },
	}
	for name, change := range changes {
		c := r
		change(&c)
		if d, err := s.Releases.Digest(c); err != nil || d == first.Digest {
			t.Errorf("%s does not change the digest (%v)", name, err)
		}
	}
	r.Adapter.SHA256 = Sum("another")
	second := Apply(t, s, r)
	if second.Revision != 2 || second.Digest == first.Digest {
		t.Errorf("%+v after %+v", second, first)
	}
	Await(t, s.Runtime, r.Name, "rolled", func(w understudy.WorkloadState, a []string) bool {
		return Serving(w, a) && a[0] != address
	})
}

func sleeps(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 1, understudy.ModeServe, base)
	Apply(t, s, r)
	w := Await(t, s.Runtime, r.Name, "served", Serving)
	if err := s.Runtime.Scale(t.Context(), r.Name, 0, w.Version); err != nil {
		t.Fatal(err)
	}
	if err := s.Runtime.Scale(t.Context(), r.Name, 2, w.Version); !errors.Is(err, understudy.ErrStale) {
		t.Errorf("scaling with a version that is not the last gives %v", err)
	}
	asleep := Await(t, s.Runtime, r.Name, "asleep", func(w understudy.WorkloadState, a []string) bool { return w.Replicas == 0 && len(a) == 0 })
	// An upgrade does not wake it.
	r.Adapter.SHA256 = Sum("another")
	Apply(t, s, r)
	w = Await(t, s.Runtime, r.Name, "upgraded", func(w understudy.WorkloadState, _ []string) bool { return w.Version != asleep.Version })
	if w.Replicas != 0 {
		t.Fatalf("after an upgrade asleep: %+v", w)
	}
	if err := s.Runtime.Scale(t.Context(), r.Name, 1, w.Version); err != nil {
		t.Fatal(err)
	}
	Await(t, s.Runtime, r.Name, "awake", Serving)
}

func drifts(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 1, understudy.ModeServe, base)
	first := Apply(t, s, r)
	Await(t, s.Runtime, r.Name, "served", Serving)
	s.Delete(t, "Deployment", r.Name)
	Await(t, s.Runtime, r.Name, "deleted", func(w understudy.WorkloadState, a []string) bool { return !w.Exists && len(a) == 0 })
	if a := Apply(t, s, r); a.Revision != 2 || a.Digest != first.Digest {
		t.Errorf("repaired as %+v", a)
	}
	Await(t, s.Runtime, r.Name, "served again", Serving)
	for i, object := range []struct{ kind, name string }{{"Service", r.Name}, {"HorizontalPodAutoscaler", r.Name}, {"Secret", r.Name + "-token"}} {
		s.Delete(t, object.kind, object.name)
		if a := Apply(t, s, r); a.Revision != 3+i {
			t.Errorf("without its %s it is repaired as %+v", object.kind, a)
		}
	}
	Await(t, s.Runtime, r.Name, "whole again", Serving)
}

func crashes(t *testing.T, s Stage, base understudy.Base) {
	r := Release("crashes", 1, understudy.ModeServe, base)
	Apply(t, s, r)
	w := Await(t, s.Runtime, r.Name, "crashing", func(w understudy.WorkloadState, _ []string) bool {
		return strings.Contains(w.Reason, "CrashLoopBackOff")
	})
	if w.Ready != 0 || w.Failed || len(s.Runtime.Ready(r.Name)) != 0 {
		t.Errorf("%+v", w)
	}
}

func batches(t *testing.T, s Stage, base understudy.Base) {
	r := Release("triage", 1, understudy.ModeBatch, base)
	done := func(w understudy.WorkloadState, _ []string) bool { return w.Succeeded || w.Failed }
	first := Apply(t, s, r)
	if w := Await(t, s.Runtime, r.Name, "done", done); !w.Succeeded {
		t.Fatalf("%+v", w)
	}
	if a := Apply(t, s, r); a.Revision != first.Revision {
		t.Errorf("a Job that is done was applied again: %+v", a)
	}
	// What a Job's template cannot take in an upgrade.
	r.Token = "another"
	Apply(t, s, r)
	if w := Await(t, s.Runtime, r.Name, "done again", done); !w.Succeeded {
		t.Fatalf("%+v", w)
	}
}

func batchFails(t *testing.T, s Stage, base understudy.Base) {
	r := Release("crashes", 1, understudy.ModeBatch, base)
	Apply(t, s, r)
	w := Await(t, s.Runtime, r.Name, "failed", func(w understudy.WorkloadState, _ []string) bool { return w.Failed })
	if w.Reason == "" || w.Succeeded {
		t.Errorf("%+v", w)
	}
}

func longest(t *testing.T, s Stage, base understudy.Base) {
	r := Release("a"+strings.Repeat("b", understudy.MaxEndpointName-1), 99999, understudy.ModeServe, base)
	r.Name = "slm-" + strings.Repeat("x", understudy.MaxReleaseName-4)
	Apply(t, s, r)
	Await(t, s.Runtime, r.Name, "served", Serving)
	r.Name += "x"
	if _, err := s.Releases.Apply(t.Context(), r); understudy.CodeOf(err) != understudy.Invalid {
		t.Errorf("a name that is too long gives %v", err)
	}
}

func absent(t *testing.T, s Stage, base understudy.Base) {
	w, err := s.Runtime.State(t.Context(), "slm-none-v1")
	if err != nil || w.Exists || len(s.Runtime.Ready("slm-none-v1")) != 0 {
		t.Errorf("%+v, %v", w, err)
	}
	if err := s.Releases.Remove(t.Context(), "slm-none-v1"); err != nil {
		t.Error(err)
	}
	if err := s.Runtime.Scale(t.Context(), "slm-none-v1", 1, "1"); understudy.CodeOf(err) != understudy.NotFound {
		t.Errorf("scaling nothing gives %v", err)
	}
	r := Release("triage", 1, understudy.ModeServe, base)
	r.Token = ""
	if _, err := s.Releases.Apply(t.Context(), r); understudy.CodeOf(err) != understudy.Invalid {
		t.Errorf("a release without a token gives %v", err)
	}
}
