package main

import (
	"net/http"
	"os"
	"slices"
	"syscall"
	"testing"

	"understudy.dev/trainer"
)

// agentPoints are where an agent can be held or killed.
var agentPoints = []string{"boot", "dataset", "loading", "training", "converting", "artifact"}

func TestAKilledTrainerGoesOnWhereItWas(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		for _, point := range agentPoints {
			t.Run(signal.String()+" while the agent is at "+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.Control.Hold(point)
				w.put("m-1", w.spec())
				w.reached(point)
				before := w.get("m-1").State
				w.kill(signal)
				w.Control.Release(point)
				w.restart()
				j := w.until("m-1", trainer.Succeeded)
				w.checkArtifacts(j)
				w.checkNothingLeft("m-1")
				t.Logf("killed in state %s", before)
				if n := w.Control.Count("train true"); n != 1 {
					t.Errorf("%d trainings were begun", n)
				}
				if point == "artifact" && w.Control.Count("train false") != 0 {
					t.Error("what was finished was trained again")
				}
				if n := w.Control.Count("done"); n != 1 {
					t.Errorf("trained to the end %d times", n)
				}
			})
		}
	}
}

func TestATrainerKilledWhileTheDataSetComesGoesOn(t *testing.T) {
	w := newWorld(t)
	asked, leave := make(chan struct{}), make(chan struct{})
	w.Data.set(func(http.ResponseWriter, *http.Request) bool { close(asked); <-leave; return false })
	w.put("m-1", w.spec())
	<-asked
	w.Data.set(nil)
	w.kill(syscall.SIGKILL)
	close(leave)
	w.restart()
	w.checkArtifacts(w.until("m-1", trainer.Succeeded))
}

func TestATrainerKilledAfterTheLastByteNeedsNoAgent(t *testing.T) {
	w := newWorld(t)
	w.put("m-1", w.spec())
	w.until("m-1", trainer.Succeeded)
	w.kill(syscall.SIGKILL)
	w.rewrite("m-1", `"state": "succeeded"`, `"state": "downloading"`)
	boots := w.Control.Count("boot")
	w.restart()
	w.checkArtifacts(w.until("m-1", trainer.Succeeded))
	if w.Control.Count("boot") != boots {
		t.Error("an agent was started though everything was here")
	}
}

func TestQueuedJobsSurviveARestartInTheirOrder(t *testing.T) {
	w := newWorld(t)
	w.Control.Hold("loading")
	w.put("a-1", w.spec())
	w.put("b-1", w.spec())
	w.reached("loading")
	w.kill(syscall.SIGKILL)
	w.restart()
	w.await("the first is working again", func() bool { return w.Control.Count("train false") == 1 })
	if j := w.get("b-1"); j.State != trainer.Queued {
		t.Errorf("the second is %s", j.State)
	}
	w.Control.Release("loading")
	w.until("a-1", trainer.Succeeded)
	w.until("b-1", trainer.Succeeded)
}

func TestAKilledAgentIsStartedAgainAndGoesOn(t *testing.T) {
	for _, point := range agentPoints {
		t.Run("killed at "+point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Control.Die(point, 2)
			w.put("m-1", w.spec())
			j := w.until("m-1", trainer.Succeeded)
			w.checkArtifacts(j)
			w.checkNothingLeft("m-1")
			if n := w.Control.Count("die " + point); n != 2 {
				t.Errorf("the agent died %d times", n)
			}
			if n := w.Control.Count("train true"); n != 1 {
				t.Errorf("%d trainings were begun", n)
			}
			if point == "training" && w.Control.Count("step 1") != 1 {
				t.Error("a step behind the checkpoint was trained again")
			}
		})
	}
}

func TestAnAgentThatKeepsDyingWithoutProgressFailsTheJob(t *testing.T) {
	for _, point := range []string{"boot", "loading"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Control.Die(point, 1000)
			w.put("m-1", w.spec())
			j := w.failed("m-1")
			w.says(j, "5 times in a row without getting further", "m-1.log")
			w.checkNothingLeft("m-1")
			if point == "boot" {
				w.says(j, "signal: killed", "the fake agent starts")
			}
		})
	}
}

func TestAnAgentThatDiesButGetsFurtherIsNotGivenUp(t *testing.T) {
	w := newWorld(t)
	w.Control.Die("training", 5) // at each of the five steps
	w.put("m-1", w.spec())
	w.checkArtifacts(w.until("m-1", trainer.Succeeded))
	if slices.Contains(w.Control.Events(), "step 6") {
		t.Error("trained past the end")
	}
}

func TestAnAgentThatHangsIsReplaced(t *testing.T) {
	for name, c := range map[string]struct{ point, env string }{
		"it answers only errors":    {"status", "AGENT_SILENCE=100ms"},
		"its training stands still": {"training", "AGENT_STALL=100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.env)
			w.Control.Hold(c.point)
			w.put("m-1", w.spec())
			w.await("another agent is started", func() bool { return w.Control.Count("boot") == 2 })
			w.Control.Release(c.point)
			w.checkArtifacts(w.until("m-1", trainer.Succeeded))
			w.checkNothingLeft("m-1")
		})
	}
}

func TestAnAgentThatOutlivesItsTrainerIsEnded(t *testing.T) {
	script := t.TempDir() + "/agent" // does not watch its parent
	text := "#!/bin/sh\necho http://127.0.0.1:1 > $AGENT_PORT_FILE.new\nmv $AGENT_PORT_FILE.new $AGENT_PORT_FILE\nexec sleep 600\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "AGENT_COMMAND="+script)
	w.put("m-1", w.spec())
	w.await("the agent runs", func() bool { return w.get("m-1").Provider.ID != "" })
	stray := w.get("m-1").Provider.ID
	w.kill(syscall.SIGKILL)
	if gone(t, stray) {
		t.Fatal("the agent ended by itself: this tests nothing")
	}
	w.start()
	w.await("another agent runs", func() bool { return w.get("m-1").Provider.ID != stray })
	w.await("the stray one is gone", func() bool { return gone(t, stray) })
	second := w.get("m-1").Provider.ID
	w.do("DELETE", "/v1/jobs/m-1", nil)
	w.await("the second is ended with its job", func() bool { return gone(t, second) })
}
