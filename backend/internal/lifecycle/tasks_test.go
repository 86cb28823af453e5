package lifecycle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
)

// ofUsers lets the system prompts name one of so many users, and the gateway's
// fingerprint stand in the pairs.
func ofUsers(users int) func(i int, p *understudy.Pair) {
	return func(i int, p *understudy.Pair) {
		p.Request = json.RawMessage(strings.Replace(string(p.Request), "Label it.", fmt.Sprintf("You help %s.", words(1+i%users)), 1))
		var c understudy.Chat
		_ = json.Unmarshal(p.Request, &c)
		p.Fingerprint = c.TaskFingerprint(understudy.FingerprintFull, "")
	}
}

func (w *world) events(kind string) (messages []string) {
	w.t.Helper()
	all, err := w.db.Events(w.ctx, 0, 1000)
	w.must(err)
	for _, e := range all {
		if e.Kind == kind {
			messages = append(messages, e.Message)
		}
	}
	return messages
}

func TestAnEndpointWhosePromptVariesFallsBackToToolsByItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		chosen understudy.FingerprintMode
		edit   func(i int, p *understudy.Pair)
		ends   understudy.Phase
		mode   understudy.FingerprintMode // of the model
		tasks  int
		noted  bool
	}{
		{"auto, every prompt its own", understudy.FingerprintAuto, ofUsers(1000), understudy.Deployed, understudy.FingerprintTools, 1, true},
		{"auto, three prompts", understudy.FingerprintAuto, ofUsers(3), understudy.Deployed, understudy.FingerprintFull, 3, false},
		{"auto, tasks named by the client", understudy.FingerprintAuto, nil, understudy.Deployed, understudy.FingerprintFull, 1, false},
		{"full was chosen", understudy.FingerprintFull, ofUsers(1000), understudy.Failed, "", 0, false},
		{"tools was chosen", understudy.FingerprintTools, ofUsers(1000), understudy.Deployed, understudy.FingerprintTools, 1, false},
		{"tools vary as much", understudy.FingerprintAuto, func(i int, p *understudy.Pair) {
			p.Request = json.RawMessage(strings.TrimSuffix(string(p.Request), "}") + fmt.Sprintf(`,"response_format":{"of":%q}}`, words(i)))
			ofUsers(1000)(i, p)
		}, understudy.Failed, "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.endpoint("triage", func(e *understudy.Endpoint) { e.Fingerprint = c.chosen })
			if c.edit == nil {
				w.teach("triage", 150)
			} else {
				w.teach("triage", 150, c.edit)
			}
			m := w.until(w.train("triage").ID, c.ends)
			if c.ends == understudy.Deployed && (m.TaskMode != c.mode || len(m.Fingerprints) != c.tasks) {
				t.Errorf("trained on %d tasks by %s, want %d by %s", len(m.Fingerprints), m.TaskMode, c.tasks, c.mode)
			}
			e, err := w.db.Endpoint(w.ctx, "triage")
			w.must(err)
			said := w.events("endpoint.fingerprint")
			if e.PromptVaries != c.noted || (len(said) == 1) != c.noted || e.Fingerprint != c.chosen {
				t.Errorf("%+v; said %q", e, said)
			}
			if c.noted && !strings.Contains(said[0], "150 of the newest 150 conversations") {
				t.Errorf("said %q", said[0])
			}
		})
	}
}

func TestAModelKeepsTheTasksItWasTrainedOnWhenPromptsBeginToVary(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150, ofUsers(1))
	first := w.until(w.train("triage").ID, understudy.Deployed)
	w.teach("triage", 600, ofUsers(1000))
	second := w.train("triage")
	w.untilTrue(second.ID, "it is frozen", func(m understudy.Model) bool { return m.DataFrozenAt != nil })
	s, err := w.db.Snapshot(w.ctx)
	w.must(err)
	r := s.Endpoints["triage"]
	if r.Endpoint.TaskMode() != understudy.FingerprintTools {
		t.Fatalf("tasks are told apart by %s", r.Endpoint.TaskMode())
	}
	if r.Target == nil || r.Target.ModelID != first.ID || r.Target.TaskMode != understudy.FingerprintFull || len(r.Target.Fingerprints) != 1 || !r.Target.Fingerprints[first.Fingerprints[0]] {
		t.Errorf("on stage is %+v", r.Target)
	}
	if m := w.until(second.ID, understudy.Deployed); m.TaskMode != understudy.FingerprintTools {
		t.Errorf("the second was trained by %s", m.TaskMode)
	}
}
