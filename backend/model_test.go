package understudy

import (
	"strings"
	"testing"
	"time"
)

var (
	allPhases   = []Phase{Training, Downloading, LLMEvaluation, Available, Deploying, Deployed, Failed, Retired}
	allTriggers = []Trigger{Progress, Failure, Evaluate, Deploy, Undeploy, Replaced, Retry, Retire, Withdrawn}
)

// What the design allows, written down a second time, by hand.
const allowed = `
training progress downloading
downloading progress llm_evaluation
llm_evaluation progress available
deploying progress deployed
available evaluate llm_evaluation
available deploy deploying
available retire retired
deployed undeploy available
deployed replaced available
deployed failure available
deployed withdrawn available
deploying failure available
deploying undeploy available
deploying withdrawn available
training failure failed
downloading failure failed
llm_evaluation failure failed
training withdrawn failed
downloading withdrawn failed
llm_evaluation withdrawn failed
failed retire retired
`

func TestOnlyTheTransitionsOfTheTableAreAllowed(t *testing.T) {
	want := map[[2]string]string{}
	for line := range strings.Lines(strings.TrimSpace(allowed)) {
		f := strings.Fields(line)
		want[[2]string{f[0], f[1]}] = f[2]
	}
	for _, from := range allPhases {
		for _, trigger := range allTriggers {
			to, err := Model{Endpoint: "triage", Version: 3, Phase: from}.Next(trigger)
			expected := want[[2]string{string(from), string(trigger)}]
			if string(to) != expected {
				t.Errorf("%s: %s leads to %q, want %q", from, trigger, to, expected)
			}
			if expected == "" && (CodeOf(err) != Conflict || !strings.Contains(err.Error(), "triage-v3 is "+from.String())) {
				t.Errorf("%s: %s: error %v, want a conflict that says what the model is", from, trigger, err)
			}
		}
	}
}

func TestRetryLeadsBackToThePhaseThatFailed(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, phase := range []Phase{Training, Downloading, LLMEvaluation} {
		m, err := Model{Phase: phase, Attempt: 1}.After(Failure, now)
		if err != nil || m.Phase != Failed || m.FailedPhase != phase || !m.PhaseSince.Equal(now) {
			t.Fatalf("%s failed: %+v, %v", phase, m, err)
		}
		m.Reason = "it broke"
		again, err := m.After(Retry, now)
		if err != nil || again.Phase != phase || again.Attempt != 2 || again.FailedPhase != "" || again.Reason != "" {
			t.Errorf("%s retried: %+v, %v", phase, again, err)
		}
	}
	if _, err := (Model{Phase: Failed}).After(Retry, now); CodeOf(err) != Conflict {
		t.Errorf("retry without a failed phase: %v, want a conflict", err)
	}
}

func TestPhasesReadAsAPersonKnowsThem(t *testing.T) {
	want := []string{"Training", "Downloading", "LLM Evaluation", "Available", "Deploying", "Deployed", "Failed", "Retired"}
	for i, p := range allPhases {
		if p.String() != want[i] {
			t.Errorf("%q reads %q, want %q", string(p), p, want[i])
		}
		if active := p == Training || p == Downloading || p == LLMEvaluation || p == Deploying; p.Active() != active {
			t.Errorf("%s active: %v", p, p.Active())
		}
	}
}

func TestWhatAPersonAsksIsRecorded(t *testing.T) {
	for _, c := range []struct {
		name   string
		model  Model
		ask    Trigger
		target TargetState
		forced string
	}{
		{"deploying a passed model", Model{Verdict: VerdictPassed}, Deploy, TargetDeployed, ""},
		{"deploying a refused model forces it", Model{Verdict: VerdictRefused}, Deploy, TargetDeployed, "pat"},
		{"deploying a model without a verdict forces it", Model{}, Deploy, TargetDeployed, "pat"},
		{"undeploying takes the wish back", Model{Target: TargetDeployed, Verdict: VerdictPassed}, Undeploy, TargetNone, ""},
		{"evaluating takes the wish back", Model{Target: TargetDeployed, Verdict: VerdictPassed}, Evaluate, TargetNone, ""},
	} {
		m := c.model
		m.Reason = "Waits for a slot."
		Ask(c.ask, "pat")(&m)
		if m.Target != c.target || m.ForcedBy != c.forced || m.Forced != (c.forced != "") || m.Reason != "" {
			t.Errorf("%s: %+v", c.name, m)
		}
		if undecided := c.ask == Evaluate; m.AutoTried == undecided {
			t.Errorf("%s: AutoTried is %v", c.name, m.AutoTried)
		}
	}
}
