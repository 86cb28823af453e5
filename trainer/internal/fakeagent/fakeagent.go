// Package fakeagent is a training agent for tests: it speaks the contract,
// keeps its state in a folder as the real one does, trains nothing, and can be
// held, killed and made to misbehave at every point.
package fakeagent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
)

// Agent serves one job after the other.
type Agent struct {
	Dir, Token string
	Steps      int
	StopAfter  int           // a step after which it stops early, as at its deadline; 0 is never
	Pause      time.Duration // a step takes
	Control    Control
	// Intercept may answer a request itself, and returns true if it did.
	Intercept func(w http.ResponseWriter, r *http.Request) bool

	mu     sync.Mutex
	status agent.Status
	heard  time.Time
	work   sync.WaitGroup
}

// New returns an agent that goes on from what lies in dir.
func New(dir, token string, control Control) *Agent {
	a := &Agent{Dir: dir, Token: token, Steps: 5, Control: control}
	boots, _ := strconv.Atoi(string(read(filepath.Join(dir, "boots"))))
	a.status = agent.Status{BootID: strconv.FormatInt(time.Now().UnixNano(), 36), Boots: boots + 1, State: agent.Idle}
	os.MkdirAll(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "boots"), []byte(strconv.Itoa(boots+1)), 0o644)
	control.Event("boot")
	return a
}

func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.Intercept != nil && a.Intercept(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+a.Token {
		problem(w, 401, "wrong token")
		return
	}
	a.mu.Lock()
	a.heard = time.Now()
	a.mu.Unlock()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/dataset", a.dataset)
	mux.HandleFunc("POST /v1/train", a.train)
	mux.HandleFunc("DELETE /v1/train", a.cancel)
	mux.HandleFunc("GET /v1/status", a.state)
	mux.HandleFunc("GET /v1/artifacts/{name}", a.artifact)
	mux.ServeHTTP(w, r)
}

func problem(w http.ResponseWriter, code int, detail string) {
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]any{"status": code, "detail": detail})
}

func (a *Agent) path(job, name string) string { return filepath.Join(a.Dir, job, name) }

func (a *Agent) dataset(w http.ResponseWriter, r *http.Request) {
	a.Control.Reach("dataset")
	job := r.URL.Query().Get("job")
	var first, last, total int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); err != nil {
		problem(w, 400, "no Content-Range")
		return
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || int64(len(data)) != last-first+1 || len(data) > agent.PartLimit {
		problem(w, 400, "the part does not fit its range")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status.State.Busy() && a.status.JobID != job {
		problem(w, 409, "busy")
		return
	}
	if a.status.JobID != job {
		a.status.JobID, a.status.State, a.status.Artifacts = job, agent.Idle, nil
	}
	os.MkdirAll(filepath.Join(a.Dir, job), 0o755)
	flags := os.O_CREATE | os.O_RDWR
	if first == 0 {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(a.path(job, "dataset"), flags, 0o644)
	if err != nil {
		problem(w, 500, err.Error())
		return
	}
	defer f.Close()
	if info, _ := f.Stat(); info.Size() != first {
		problem(w, 409, "go on from "+strconv.FormatInt(info.Size(), 10))
		return
	}
	f.WriteAt(data, first)
	a.Control.Event("part", first, last)
	a.status.Dataset.Received, a.status.Dataset.Total = last+1, total
	if last+1 == total {
		a.status.Dataset.SHA256 = sum(a.path(job, "dataset"))
	}
	json.NewEncoder(w).Encode(map[string]int64{"received": last + 1, "total": total})
}

func sum(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func (a *Agent) train(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var o agent.Order
	if err := json.Unmarshal(body, &o); err != nil {
		problem(w, 400, err.Error())
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, err := os.ReadFile(a.path(o.JobID, "order"))
	isNew := err != nil
	switch {
	case !isNew && string(known) != string(body):
		problem(w, 409, "another body")
		return
	case a.status.State.Busy() && a.status.JobID != o.JobID:
		problem(w, 409, "busy")
		return
	case a.status.State.Busy():
		return
	case sum(a.path(o.JobID, "dataset")) != o.Dataset.SHA256:
		problem(w, 412, "send the data set first")
		return
	}
	if isNew {
		os.WriteFile(a.path(o.JobID, "order"), body, 0o644)
		os.WriteFile(a.path(o.JobID, "started"), []byte(strconv.FormatInt(time.Now().UnixMilli(), 10)), 0o644)
	}
	a.status.JobID = o.JobID
	if done, err := os.ReadFile(a.path(o.JobID, "done")); err == nil {
		json.Unmarshal(done, &a.status.Artifacts)
		a.status.State = agent.Done
		return
	}
	a.Control.Event("train", isNew)
	a.status.State = agent.Loading
	a.work.Go(func() { a.carryOut(o) })
	if isNew {
		w.WriteHeader(202)
	}
}

func (a *Agent) say(change func(*agent.Status)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status.State == agent.Cancelled {
		return false
	}
	a.status.HeartbeatMs = time.Now().UnixMilli()
	change(&a.status)
	return true
}

// Wait returns when no training runs any more.
func (a *Agent) Wait() { a.work.Wait() }

func (a *Agent) carryOut(o agent.Order) {
	a.Control.Reach("loading")
	started, _ := strconv.ParseInt(string(read(a.path(o.JobID, "started"))), 10, 64)
	deadline := time.UnixMilli(started).Add(time.Duration(o.DeadlineSeconds) * time.Second)
	at, _ := strconv.Atoi(string(read(a.path(o.JobID, "checkpoint"))))
	for at++; at <= a.Steps; at++ {
		if !a.say(func(s *agent.Status) {
			s.State, s.Progress = agent.Training, trainer.Progress{Stage: "training", Step: at, Steps: a.Steps, Loss: 1 / float64(at)}
		}) {
			return
		}
		a.Control.Event("step", at)
		os.WriteFile(a.path(o.JobID, "checkpoint"), []byte(strconv.Itoa(at)), 0o644)
		a.Control.Reach("training")
		time.Sleep(min(a.Pause, max(time.Until(deadline), 0)))
		if at == a.StopAfter || at < a.Steps && !time.Now().Before(deadline) {
			a.say(func(s *agent.Status) { s.StoppedEarly = true })
			break
		}
	}
	if !a.say(func(s *agent.Status) { s.State, s.Progress.Stage = agent.Converting, "converting" }) {
		return
	}
	a.Control.Reach("converting")
	list := a.make(o)
	a.say(func(s *agent.Status) { s.State, s.Artifacts = agent.Done, list })
	a.Control.Event("done")
}

func read(path string) []byte {
	b, _ := os.ReadFile(path)
	return b
}

func (a *Agent) cancel(w http.ResponseWriter, _ *http.Request) {
	a.say(func(s *agent.Status) {
		if s.State.Busy() {
			s.State = agent.Cancelled
		}
	})
	a.Control.Event("cancel")
	w.WriteHeader(204)
}

func (a *Agent) state(w http.ResponseWriter, _ *http.Request) {
	if a.Control.Waits("status") {
		a.Control.Event("sick")
		problem(w, 500, "sick")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	json.NewEncoder(w).Encode(a.status)
}
