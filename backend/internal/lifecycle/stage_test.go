package lifecycle

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// deploy brings a first version of an endpoint to the stage, by itself or by
// what a person asks when it is available.
func (w *world) deploy(endpoint string, change func(*understudy.Endpoint), ask ...understudy.Trigger) understudy.Model {
	w.t.Helper()
	w.endpoint(endpoint, change)
	w.teach(endpoint, 150)
	id := w.train(endpoint).ID
	for _, t := range ask {
		w.until(id, understudy.Available)
		w.ask(id, t)
	}
	return w.until(id, understudy.Deployed)
}

func TestWithoutASlotAModelWaitsAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.config.MaxDeployments = 1
	w.takeOver()
	first := w.deploy("triage", nil)
	w.endpoint("letters", nil)
	w.teach("letters", 150)
	id := w.train("letters").ID
	waiting := w.untilTrue(id, "it waits for a slot", func(m understudy.Model) bool { return strings.Contains(m.Reason, "slot") })
	if waiting.Phase != understudy.Available || !strings.Contains(waiting.Reason, "at most 1 may") {
		t.Errorf("%s: %s", waiting.Phase, waiting.Reason)
	}
	w.ask(first.ID, understudy.Undeploy)
	if m := w.until(id, understudy.Deployed); m.Reason != "" {
		t.Errorf("still says %q", m.Reason)
	}
	m := w.settle(first.ID)
	if m.Phase != understudy.Available || m.Target != understudy.TargetNone {
		t.Errorf("what was undeployed is %s and wants %q: a person decides from there", m.Phase, m.Target)
	}
}

func TestAReplacedVersionDrainsUntilNoReplicaRoutesToIt(t *testing.T) {
	w := newWorld(t)
	first := w.deploy("triage", nil)
	w.teach("triage", 150)
	second := w.until(w.train("triage").ID, understudy.Deployed)
	if m := w.model(first.ID); m.Phase != understudy.Available || m.DrainingSince == nil {
		t.Fatalf("the first is %s, draining since %v", m.Phase, m.DrainingSince)
	}
	now := w.generation()
	both := []string{"slm-triage-v1", "slm-triage-v2"}
	look := func(why string) {
		t.Helper()
		w.must(w.look(first.ID))
		if got := w.stage.names(); !slices.Equal(got, both) {
			t.Fatalf("%s, but on stage are %q", why, got)
		}
	}
	w.beat("a", now)
	w.beat("b", now-1)
	look("the longest request may not be over")
	w.clock.pass(time.Minute)
	w.beat("a", now)
	w.beat("b", now-1)
	look("one replica still routes by the old generation")
	w.beat("a", now)
	w.beat("b", now)
	w.must(w.look(first.ID))
	if got := w.stage.names(); !slices.Equal(got, []string{"slm-triage-v2"}) {
		t.Errorf("on stage are %q", got)
	}
	m := w.settle(first.ID)
	if m.Phase != understudy.Available || m.DrainingSince != nil || m.Release != "" {
		t.Errorf("the first ended as %s, draining since %v, release %q", m.Phase, m.DrainingSince, m.Release)
	}
	w.sameAfterMoreLooks(first.ID)
	w.sameAfterMoreLooks(second.ID)
}

func TestADeadReplicaDoesNotHoldADrainUp(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	w.beat("dead", w.generation()-1)
	w.ask(m.ID, understudy.Undeploy)
	w.untilTrue(m.ID, "the release is gone", func(m understudy.Model) bool { return m.Release == "" })
	if got := w.stage.names(); len(got) != 0 {
		t.Errorf("on stage are %q", got)
	}
}

func TestAPersonMayGoBackToAnOlderVersion(t *testing.T) {
	w := newWorld(t)
	first := w.deploy("triage", nil)
	w.teach("triage", 150)
	second := w.until(w.train("triage").ID, understudy.Deployed)
	w.ask(first.ID, understudy.Deploy)
	w.until(first.ID, understudy.Deployed)
	for range 20 { // the newer one must not come back by itself
		w.must(w.look(second.ID))
		w.must(w.look(first.ID))
	}
	if a, b := w.model(first.ID).Phase, w.model(second.ID).Phase; a != understudy.Deployed || b != understudy.Available {
		t.Errorf("the first is %s, the second %s", a, b)
	}
}

func TestADeployThatFailsLeavesTheModelAvailableWithTheReason(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*fakeStage)
		clear func(*fakeStage)
		want  string
	}{
		{"the pod never gets ready", func(f *fakeStage) { f.unready = "the container was killed: out of memory" },
			func(f *fakeStage) { f.unready = "" }, "out of memory"},
		{"the pod is ready and answers errors", func(f *fakeStage) { f.podError = true },
			func(f *fakeStage) { f.podError = false }, "the probe completion failed"},
		{"the release cannot be rendered", func(f *fakeStage) {
			f.refuse = understudy.Errorf(understudy.Invalid, "values.base: no such file")
		}, func(f *fakeStage) { f.refuse = nil }, "no such file"},
		{"the cluster cannot be reached", func(f *fakeStage) { f.refuse = errors.New("connection refused") },
			func(f *fakeStage) { f.refuse = nil }, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.endpoint("triage", nil)
			w.teach("triage", 150)
			id := w.train("triage").ID
			w.until(id, understudy.Deploying)
			w.stage.set(func() { c.set(w.stage) })
			m := w.model(id)
			for range enough {
				if m = w.model(id); m.Phase != understudy.Deploying {
					break
				}
				_ = w.look(id)
				w.clock.pass(10 * time.Second)
			}
			if m.Phase != understudy.Available || !strings.Contains(m.Reason, c.want) {
				t.Fatalf("%s: %s", m.Phase, m.Reason)
			}
			m = w.settle(id)
			if m.Phase != understudy.Available || len(w.stage.names()) != 0 {
				t.Errorf("it is %s and %q are on stage: a person decides after a failure", m.Phase, w.stage.names())
			}
			w.stage.set(func() { c.clear(w.stage) })
			w.ask(id, understudy.Deploy)
			if m := w.until(id, understudy.Deployed); m.Forced {
				t.Error("a passed model counts as forced")
			}
		})
	}
}

func TestAfterAFullStopTheReleaseComesBack(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	w.stage.set(func() { w.stage.on["slm-triage-v1"].missing = true })
	w.takeOver()
	w.must(w.look(m.ID))
	if w.stage.on["slm-triage-v1"].missing {
		t.Error("it was not applied again")
	}
	w.settle(m.ID)
}

func TestWhatSomebodyDeletesByHandIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	w.settle(m.ID)
	w.stage.set(func() { w.stage.on["slm-triage-v1"].disturbed = true })
	began := w.clock.Now()
	w.untilTrue(m.ID, "its release is applied again", func(m understudy.Model) bool { return m.Revision == 2 })
	if took := w.clock.Now().Sub(began); took > 2*w.config.Active {
		t.Errorf("it took %s", took)
	}
}

func TestADeployedModelSaysWhyItsPodsAreNotReady(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	w.stage.set(func() { w.stage.partly = "No node has room for its pod" })
	w.untilTrue(m.ID, "it says why one of them is not", func(m understudy.Model) bool {
		return m.Phase == understudy.Deployed && m.Reason == "It serves, but not with every pod it should have. No node has room for its pod"
	})
	w.stage.set(func() { w.stage.partly = "" })
	w.stage.set(func() { w.stage.unready = "No node has room for its pod" })
	w.untilTrue(m.ID, "it says why", func(m understudy.Model) bool {
		return m.Phase == understudy.Deployed && m.Reason == "No node has room for its pod"
	})
	w.stage.set(func() { w.stage.unready = "" })
	w.untilTrue(m.ID, "it says nothing more", func(m understudy.Model) bool { return m.Phase == understudy.Deployed && m.Reason == "" })
	w.stage.set(func() { w.stage.unreachable = true })
	w.untilTrue(m.ID, "it says that the Service leads nowhere", func(m understudy.Model) bool {
		return m.Phase == understudy.Deployed && strings.Contains(m.Reason, "Delete the Service")
	})
	w.stage.set(func() { w.stage.unreachable = false })
	w.untilTrue(m.ID, "it says nothing more", func(m understudy.Model) bool { return m.Phase == understudy.Deployed && m.Reason == "" })
}

func TestAChangedChartIsApplied(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	w.stage.set(func() { w.stage.chart = "chart-2" })
	w.takeOver()
	w.must(w.look(m.ID))
	if got := w.settle(m.ID); got.Revision != 2 || !strings.HasPrefix(got.ReleaseDigest, "chart-2") {
		t.Errorf("revision %d of %s", got.Revision, got.ReleaseDigest)
	}
}

func TestOfTwoVersionsThatWaitTheNewerGoes(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", func(e *understudy.Endpoint) { e.AutoDeploy = false })
	w.teach("triage", 150)
	first := w.until(w.train("triage").ID, understudy.Available)
	second := w.until(w.train("triage").ID, understudy.Available)
	w.ask(first.ID, understudy.Deploy)
	w.ask(second.ID, understudy.Deploy)
	m := w.settle(first.ID)
	if m.Phase != understudy.Available || m.Target != understudy.TargetNone || !strings.Contains(m.Reason, "triage-v2 is newer") {
		t.Errorf("%s: %s", m.Phase, m.Reason)
	}
	w.until(second.ID, understudy.Deployed)
}

func TestOnlyTheNewestPassedVersionIsDeployedByItself(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", func(e *understudy.Endpoint) { e.AutoDeploy = false })
	w.teach("triage", 150)
	first := w.until(w.train("triage").ID, understudy.Available)
	second := w.until(w.train("triage").ID, understudy.Available)
	_, err := w.db.UpdateEndpoint(w.ctx, "triage", func(e *understudy.Endpoint) error { e.AutoDeploy = true; return nil })
	w.must(err)
	if m := w.settle(first.ID); m.Phase != understudy.Available || m.Target != understudy.TargetNone {
		t.Errorf("the older is %s and wants %q", m.Phase, m.Target)
	}
	w.until(second.ID, understudy.Deployed)
}

func TestAStrayReleaseIsSweptAway(t *testing.T) {
	w := newWorld(t)
	w.deploy("triage", nil)
	_, err := w.stage.Apply(w.ctx, understudy.Release{Name: "slm-gone-v7"})
	w.must(err)
	w.must(w.lead.sweep(w.ctx))
	if got := w.stage.names(); !slices.Equal(got, []string{"slm-triage-v1"}) {
		t.Errorf("on stage are %q", got)
	}
}
