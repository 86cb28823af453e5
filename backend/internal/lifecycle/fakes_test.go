package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
)

// fakeTrainer speaks ci/contract/trainer.json; each look at a job moves it on.
type fakeTrainer struct {
	mu      sync.Mutex
	jobs    map[string]*fakeJob
	ordered []string // ids of new jobs
	down    bool
	breaks  map[string]string // state in which every job fails → why
	forever bool              // jobs train and do not end
	rent    *rent             // of every job; nil where nothing is rented
	asked   int               // how often a job was looked at
}

// rent is what a job's machine was billed.
type rent struct {
	bill   *float64
	settle bool
}

// machine is what a job shows of its machine; each look at one that works costs
// more.
func (f *fakeTrainer) machine(j *fakeJob, finished bool) string {
	if f.rent == nil {
		return `{"name":"local","id":"1","gpu":"","costUSD":0}`
	}
	if !finished {
		j.usd += 0.125
	}
	b, _ := json.Marshal(map[string]any{"name": "runpod", "id": "pod-1", "gpu": "NVIDIA L4", "where": "EU-RO-1", "costUSD": j.usd, "seconds": 1000 * j.usd,
		"billedUSD": f.rent.bill, "machines": 1, "settled": f.rent.settle})
	return string(b)
}

type fakeJob struct {
	spec  []byte
	state int
	usd   float64
	ended string // failed or cancelled
	why   string
}

var jobStates = []string{"queued", "provisioning", "training", "training", "training", "downloading", "downloading", "succeeded"}

func newFakeTrainer() *fakeTrainer {
	return &fakeTrainer{jobs: map[string]*fakeJob{}, breaks: map[string]string{}}
}

func (f *fakeTrainer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeTrainer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/v1/jobs/")
	j := f.jobs[id]
	switch {
	case f.down:
		http.Error(w, `{"detail":"the store is not mounted"}`, http.StatusServiceUnavailable)
	case r.Header.Get("Authorization") != "Bearer secret":
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/v1/artifacts/"):
		io.WriteString(w, `{"base":{"sha256":"ba5e"},"hyperparameters":{"seed":7},"dataset":{"sha256":"da7a","used":90,"skipped":2},
			"curves":{"loss":[{"step":1,"value":2},{"step":7,"value":0.5}],"evalLoss":[{"step":7,"value":0.75}],"evalExact":[{"step":6,"value":0.625},{"step":7,"value":0.5}]},
			"steps":7,"bestStep":6,"stopReason":"validation","tokens":900,"device":"NVIDIA L4","seconds":180.5}`)
	case r.Method == http.MethodPut:
		f.put(w, r, id, j)
	case j == nil:
		http.Error(w, `{"detail":"no such job"}`, http.StatusNotFound)
	case r.Method == http.MethodDelete:
		if j.ended != "" || jobStates[j.state] == "succeeded" {
			delete(f.jobs, id)
		} else {
			j.ended = "cancelled"
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		f.asked++
		f.move(j)
		f.show(w, id, j)
	}
}

func (f *fakeTrainer) put(w http.ResponseWriter, r *http.Request, id string, j *fakeJob) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case j == nil:
		f.jobs[id] = &fakeJob{spec: body}
		f.ordered = append(f.ordered, id)
		w.WriteHeader(http.StatusCreated)
		f.show(w, id, f.jobs[id])
	case !bytes.Equal(j.spec, body):
		http.Error(w, `{"detail":"another job"}`, http.StatusConflict)
	default:
		f.show(w, id, j)
	}
}

func (f *fakeTrainer) move(j *fakeJob) {
	if j.ended != "" {
		return
	}
	if why := f.breaks[jobStates[j.state]]; why != "" {
		j.ended, j.why = "failed", why
		return
	}
	if j.state < len(jobStates)-1 && !(f.forever && jobStates[j.state] == "training") {
		j.state++
	}
}

func (f *fakeTrainer) show(w http.ResponseWriter, id string, j *fakeJob) {
	state := jobStates[j.state]
	if j.ended != "" {
		state = j.ended
	}
	artifacts := "[]"
	if state == "succeeded" {
		artifacts = fmt.Sprintf(`[{"name":"adapter.gguf","size":9,"sha256":"%064d"},{"name":"manifest.json","size":9,"sha256":"%064d"}]`, 2, 3)
	}
	finished := j.ended != "" || state == "succeeded"
	fmt.Fprintf(w, `{"id":%q,"state":%q,"progress":{"stage":"training","step":%d,"steps":7,"loss":%g,"etaSeconds":3,"evalLoss":0.8,"evalExact":0.5,"bestStep":%d,
		"gpu":{"name":"NVIDIA L4","memoryUsedBytes":1,"memoryTotalBytes":2,"utilization":87}},
		"provider":%s,"artifacts":%s,"stoppedEarly":false,"error":%q}`,
		id, state, j.state, 1/float64(j.state+1), j.state, f.machine(j, finished), artifacts, j.why)
}

// fakeEvaluator speaks ci/contract/evaluator.json: likeness is the share of
// common letters.
type fakeEvaluator struct {
	mu     sync.Mutex
	scored int
	down   bool
}

func (f *fakeEvaluator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var in struct {
		Pairs []struct{ ID, Expected, Actual string }
		Texts []string
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	if len(in.Pairs) > 100 || len(in.Texts) > 100 {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if r.URL.Path == "/v1/embed" {
		vectors := make([][]float32, len(in.Texts))
		for i, t := range in.Texts {
			vectors[i] = make([]float32, 2)
			vectors[i][len(t)%2] = 1
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"embeddings": vectors})
		return
	}
	scores := []map[string]any{}
	for _, p := range in.Pairs {
		same := understudy.SameAnswer(understudy.Answer{Text: p.Expected}, understudy.Answer{Text: p.Actual})
		similarity := 0.3
		if same {
			similarity = 1
		}
		scores = append(scores, map[string]any{"id": p.ID, "similarity": similarity, "exact": same})
	}
	f.scored += len(scores)
	_ = json.NewEncoder(w).Encode(map[string]any{"model": "fake", "scores": scores})
}

// fakeStage is Releases and Runtime: what is applied runs, unless a test says
// otherwise. The Job of a batch release answers some prompts at each look.
type fakeStage struct {
	db      *database.DB
	pod     *httptest.Server
	mu      sync.Mutex
	on      map[string]*fakeRelease
	applies int
	removed []string
	chart   string // part of the digest

	unready     string // why no pod becomes ready
	partly      string // why a further pod does not
	refuse      error  // of Apply
	unreachable bool   // pods are ready, but their Service leads to none
	podError    bool   // the pod answers the probe with 500
	jobFails    string
	stuck       string // why the Job answers nothing
	jobStops    bool   // the Job succeeds without answering all
	wrong       func(i int) bool
	broken      func(i int) bool // answers that errored
	answeredOf  int
}

type fakeRelease struct {
	release  understudy.Release
	digest   string
	revision int
	replicas int
	version  int
	missing  bool // its objects are gone

	disturbed bool // one of them is, but not the workload
	done      bool
}

func newFakeStage(db *database.DB) *fakeStage {
	f := &fakeStage{db: db, on: map[string]*fakeRelease{}, chart: "chart-1"}
	f.pod = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.podError {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		io.WriteString(w, `{"choices":[{"message":{"content":"Hi"}}]}`)
	}))
	return f
}

func (f *fakeStage) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeStage) Digest(r understudy.Release) (string, error) {
	return fmt.Sprintf("%s/%s/%s/%s/%d", f.chart, r.Name, r.Mode, r.Adapter.SHA256, r.Attempt), nil
}

func (f *fakeStage) Apply(_ context.Context, r understudy.Release) (understudy.Applied, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return understudy.Applied{}, f.refuse
	}
	digest, _ := f.Digest(r)
	old := f.on[r.Name]
	if old != nil && old.digest == digest && !old.missing && !old.disturbed {
		return understudy.Applied{Name: r.Name, Revision: old.revision, Digest: digest}, nil
	}
	f.applies++
	next := &fakeRelease{release: r, digest: digest, revision: 1, replicas: 1}
	if old != nil {
		next.revision = old.revision + 1
	}
	f.on[r.Name] = next
	return understudy.Applied{Name: r.Name, Revision: next.revision, Digest: digest}, nil
}

func (f *fakeStage) Stands(_ context.Context, name, digest string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.on[name]
	return r != nil && r.digest == digest && !r.missing && !r.disturbed, nil
}

func (f *fakeStage) Remove(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on[name] != nil {
		f.removed = append(f.removed, name)
	}
	delete(f.on, name)
	return nil
}

func (f *fakeStage) List(context.Context) ([]understudy.Applied, error) {
	var out []understudy.Applied
	for _, name := range f.names() {
		out = append(out, understudy.Applied{Name: name})
	}
	return out, nil
}

func (f *fakeStage) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.on))
}

func (f *fakeStage) Changed() <-chan string { return nil }

func (f *fakeStage) Ready(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.on[name]; r == nil || r.missing || r.replicas == 0 || f.unready != "" || f.unreachable {
		return nil
	}
	return []string{f.pod.URL}
}

func (f *fakeStage) Scale(_ context.Context, name string, replicas int, version string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.on[name]
	if r == nil || version != fmt.Sprint(r.version) {
		return understudy.ErrStale
	}
	r.replicas = replicas
	r.version++
	return nil
}

func (f *fakeStage) State(ctx context.Context, name string) (understudy.WorkloadState, error) {
	f.mu.Lock()
	r := f.on[name]
	f.mu.Unlock()
	if r == nil || r.missing {
		return understudy.WorkloadState{}, nil
	}
	if r.release.Mode == understudy.ModeBatch {
		return f.runJob(ctx, r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := understudy.WorkloadState{Exists: true, Replicas: r.replicas, Ready: r.replicas, Version: fmt.Sprint(r.version)}
	if f.unready != "" {
		s.Ready, s.Reason = 0, f.unready
	} else {
		s.Reason = f.partly
	}
	return s, nil
}

// runJob answers up to 25 prompts: the stored answer, or a wrong one.
func (f *fakeStage) runJob(ctx context.Context, r *fakeRelease) (understudy.WorkloadState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.jobFails != "":
		return understudy.WorkloadState{Exists: true, Failed: true, Reason: f.jobFails}, nil
	case f.stuck != "":
		return understudy.WorkloadState{Exists: true, Replicas: 1, Reason: f.stuck}, nil
	case f.jobStops || r.done:
		return understudy.WorkloadState{Exists: true, Succeeded: true}, nil
	}
	prompts, _, _, err := f.db.EvalPrompts(ctx, r.release.ModelID, r.release.Attempt, 0, 25)
	if err != nil {
		return understudy.WorkloadState{}, err
	}
	var answers []understudy.EvalAnswer
	for _, p := range prompts {
		pair, err := f.db.Pair(ctx, p.PairID)
		if err != nil {
			return understudy.WorkloadState{}, err
		}
		a := understudy.EvalAnswer{PairID: p.PairID, Variant: p.Variant, Answer: pair.Answer}
		f.answeredOf++
		if p.Variant == understudy.VariantBase || f.wrong != nil && f.wrong(f.answeredOf) {
			a.Answer.Text = "I cannot say."
		}
		if p.Variant == understudy.VariantTuned && f.broken != nil && f.broken(f.answeredOf) {
			a.Error = "the server answered 500"
		}
		answers = append(answers, a)
	}
	r.done = len(prompts) == 0
	return understudy.WorkloadState{Exists: true, Replicas: 1, Ready: 1, Succeeded: r.done}, f.db.PutAnswers(ctx, r.release.ModelID, r.release.Attempt, answers)
}
