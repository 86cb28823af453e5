package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"understudy.dev/trainer"
)

// failed waits until a job has failed.
func (w *world) failed(id string) trainer.Job {
	w.Helper()
	return w.until(id, trainer.Failed)
}

// says checks what a person reads about a job that failed.
func (w *world) says(j trainer.Job, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(j.Error, word) {
			w.Errorf("%q does not say %q", j.Error, word)
		}
	}
}

// rewrite changes a record while no trainer runs.
func (w *world) rewrite(id, from, to string) {
	w.Helper()
	path := w.Dir + "/jobs/" + id + ".json"
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), from) {
		w.Fatalf("%v: %s", err, b)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o600); err != nil {
		w.Fatal(err)
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { http.Error(w, "no", code); return true }
}

func text(s string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte(s)); return true }
}

func TestADataSetThatCannotBeHadFailsTheJobWithTheReason(t *testing.T) {
	empty := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		sha256 string
		says   []string
	}{
		"the door is closed":     {status(401), "", []string{"answered 401", "UNDERSTUDY_SERVICE_TOKEN"}},
		"it is forbidden":        {status(403), "", []string{"answered 403"}},
		"it is not there":        {status(404), "", []string{"answered 404", "may have been removed"}},
		"it is another data set": {text("other"), "", []string{"sha256 differs", "start a new job"}},
		"it is empty":            {text(""), empty, []string{"is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Data.set(c.answer)
			spec := w.spec()
			if c.sha256 != "" {
				spec.Dataset.SHA256 = c.sha256
			}
			w.put("m-1", spec)
			w.says(w.failed("m-1"), c.says...)
			w.checkNothingLeft("m-1")
			if w.Control.Count("boot") != 0 {
				t.Error("an agent was started for it")
			}
		})
	}
}

func TestABackendThatIsDownIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.Data.set(status(503))
	w.put("m-1", w.spec())
	w.await("it waits and says why", func() bool {
		j := w.get("m-1")
		return w.Data.requests() > 2 && j.State == trainer.Provisioning && strings.Contains(j.Waiting, "status 503")
	})
	w.Data.set(nil)
	if j := w.until("m-1", trainer.Succeeded); j.Waiting != "" {
		t.Errorf("a finished job waits for %q", j.Waiting)
	}
}

func TestTheDeadlineEndsAJobThatNeverBegan(t *testing.T) {
	w := newWorld(t)
	w.Data.set(status(503))
	spec := w.spec()
	spec.DeadlineSeconds = 1
	w.put("m-1", spec)
	w.says(w.failed("m-1"), "deadline of 1 s passed before training began", "503")
}

func TestTheDeadlineEndsAJobWhoseAgentDoesNotStop(t *testing.T) {
	w := newWorld(t, "AGENT_GRACE=100ms")
	w.Control.Hold("converting")
	spec := w.spec()
	spec.DeadlineSeconds = 4 // by then a busy machine has the agent training
	w.put("m-1", spec)
	w.says(w.failed("m-1"), "deadline of 4 s passed", "did not hand over a result within 100ms")
	w.checkNothingLeft("m-1")
}

func TestAResultWithinTheGraceIsTaken(t *testing.T) {
	w := newWorld(t)
	w.Control.Hold("converting")
	spec := w.spec()
	spec.DeadlineSeconds = 4
	w.put("m-1", spec)
	began := time.Now() // later than the job's own
	w.reached("converting")
	w.await("the deadline has passed", func() bool { return time.Since(began) > 4*time.Second })
	w.Control.Release("converting")
	w.checkArtifacts(w.until("m-1", trainer.Succeeded))
}

func TestAMissingAgentIsNamedWithWhatToDo(t *testing.T) {
	w := newWorld(t, "AGENT_COMMAND=/nowhere/python -m understudy_agent")
	w.put("m-1", w.spec())
	w.says(w.failed("m-1"), "/nowhere/python", "make setup")
	w.checkNothingLeft("m-1")
}

func TestAnAgentMayStandInAFolderWithBlanks(t *testing.T) {
	program := filepath.Join(t.TempDir(), "a user's programs", "agent")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Args[0], program); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, `AGENT_COMMAND="`+program+`" fake-agent`)
	w.put("m-1", w.spec())
	w.until("m-1", trainer.Succeeded)
}

func TestAnAgentThatCannotStartIsQuoted(t *testing.T) {
	script := t.TempDir() + "/agent"
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho 'No module named understudy_agent' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "AGENT_COMMAND="+script)
	w.put("m-1", w.spec())
	w.says(w.failed("m-1"), "No module named understudy_agent", "exit status 1")
}

func TestAFullDiskIsSaidSo(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=5m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
	w := newWorld(t, "UNDERSTUDY_DATA_DIR="+small)
	w.put("m-1", w.spec()) // the adapter of 3 MB fits once, not twice
	w.says(w.failed("m-1"), "no space left", "Free some")
	w.checkNothingLeft("m-1")
	w.await("the record's last change is on the disk", func() bool {
		b, err := os.ReadFile(small + "/jobs/m-1.json") // its token goes when all is cleaned
		return err == nil && !strings.Contains(string(b), `"token"`)
	})
	if err := os.WriteFile(small+"/other", make([]byte, 8<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if status, body := w.do("PUT", "/v1/jobs/n-1", w.spec()); status != 507 || !strings.Contains(string(body), "Free some") {
		t.Errorf("a job that cannot be kept: %d %s", status, body)
	}
}

func TestADamagedRecordCostsNoOtherJob(t *testing.T) {
	w := newWorld(t)
	w.put("m-1", w.spec())
	j := w.until("m-1", trainer.Succeeded)
	w.kill(syscall.SIGKILL)
	if err := os.WriteFile(w.Dir+"/jobs/broken-1.json", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.checkArtifacts(w.get(j.ID))
}

func TestTwoTrainersDoNotShareAStore(t *testing.T) {
	w := newWorld(t)
	st, err := os.OpenFile(w.Dir+"/lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := syscall.Flock(int(st.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		t.Error("the store is not locked")
	}
}
