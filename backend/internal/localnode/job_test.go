package localnode

import (
	"path/filepath"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/service/child/childtest"
)

func TestAJobSucceedsAfterFailures(t *testing.T) {
	_, c := start(t)
	state := filepath.Join(t.TempDir(), "state")
	mustApply(t, c, jobObject("eval", m{"MODE": "batch", "FAKEPOD_FAILURES": "xx", "FAKEPOD_STATE": state}, m{"backoffLimit": 2}))
	w := await(t, c, "eval", "done", func(w Workload) bool { return w.Succeeded || w.Failed })
	if !w.Succeeded || w.Reason != "" || len(w.Pods) != 0 {
		t.Errorf("%+v", w)
	}
}

func TestAJobFailsWithTheTailOfItsOutput(t *testing.T) {
	_, c := start(t)
	state := filepath.Join(t.TempDir(), "state")
	mustApply(t, c, jobObject("eval", m{"MODE": "batch", "FAKEPOD_FAILURES": "xxxxx", "FAKEPOD_STATE": state}, m{"backoffLimit": 1}))
	w := await(t, c, "eval", "failed", func(w Workload) bool { return w.Succeeded || w.Failed })
	for _, want := range []string{"BackoffLimitExceeded", "failed 2 times", "exit status 4", "try 2\nno prompts to be had"} {
		if !strings.Contains(w.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, w.Reason)
		}
	}
}

func TestAJobEndsAtItsDeadlineAndByDeletion(t *testing.T) {
	s, c := start(t)
	hang := m{"MODE": "batch", "FAKEPOD_HANG": "1"}
	mustApply(t, c, jobObject("late", hang, m{"activeDeadlineSeconds": 1}))
	w := await(t, c, "late", "failed", func(w Workload) bool { return w.Failed })
	if !strings.Contains(w.Reason, "DeadlineExceeded") {
		t.Errorf("the reason is %q", w.Reason)
	}
	mustApply(t, c, jobObject("gone", hang, nil))
	pid := await(t, c, "gone", "running", func(w Workload) bool { return len(w.Pods) == 1 && w.Pods[0].PID != 0 }).Pods[0].PID
	if err := c.Delete(t.Context(), Ref{kindJob, "gone"}); err != nil {
		t.Fatal(err)
	}
	s.pods.Wait()
	childtest.AwaitEnd(t, pid)
}

func TestAJobsTemplateCannotChange(t *testing.T) {
	_, c := start(t)
	hang := m{"MODE": "batch", "FAKEPOD_HANG": "1"}
	mustApply(t, c, jobObject("eval", hang, nil))
	hang["OTHER"] = "x"
	if err := apply(c, jobObject("eval", hang, nil)); understudy.CodeOf(err) != understudy.Invalid || !strings.Contains(err.Error(), "delete it first") {
		t.Errorf("got %v", err)
	}
}
