// Package faults trains on the simulated RunPod while things go wrong, one at a
// time, and looks at what is left: a result or a clear failure, no pod, no
// broken file, no cent counted twice.
package faults

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"understudy.dev/ci/fakerunpod"
	"understudy.dev/ci/platform"
)

// The programs under test, built once: the trainer so that it can crash, and an
// agent that trains nothing.
var trainerProgram, agentProgram string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	trainerProgram, agentProgram = filepath.Join(dir, "trainer"), filepath.Join(dir, "agent")
	for program, args := range map[string][]string{trainerProgram: {"-tags", "crash", "-o", trainerProgram, "./cmd/trainer"}, agentProgram: {"-o", agentProgram, "./cmd/fakeagent"}} {
		build := exec.Command("go", append([]string{"build"}, args...)...)
		build.Dir = filepath.Join("..", "..", "trainer")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", program, err, out)
			return 1
		}
	}
	status := m.Run()
	printTable()
	return status
}

const (
	apiKey       = "rpa_of_the_test"
	serviceToken = "service-token-of-the-test"
	patience     = 90 * time.Second
)

// world is a trainer with everything around it.
type world struct {
	*testing.T
	sim     *fakerunpod.Server
	simURL  string
	dir     string // the trainer's store
	control string // the fake agents'
	data    *httptest.Server
	lines   string // the data set
	spec    map[string]any
	env     []string
	wait    time.Duration
	real    bool // the agent is

	mu      sync.Mutex
	url     string
	cmd     *exec.Cmd
	ended   chan struct{}
	log     bytes.Buffer
	quit    bool
	crashes int // of the trainer
}

// setup says how a world differs from the usual.
type setup struct {
	env     []string // of the trainer
	options func(*fakerunpod.Options)
	agent   []string // of the agents' environment
	real    bool     // the agent is the real one
}

func newWorld(t *testing.T, c setup) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), control: t.TempDir(), wait: patience, real: c.real,
		lines: strings.Repeat(`{"id":"x","messages":[{"role":"user","content":"hello"}]}`+"\n", 500)}
	o := fakerunpod.Options{
		Key: apiKey, Dir: t.TempDir(), Agent: []string{agentProgram}, Provisioning: 20 * time.Millisecond, Starting: 20 * time.Millisecond,
		Restarting: 20 * time.Millisecond, Volumes: map[string]string{"vol": "EU-RO-1"},
		AgentEnv: append([]string{"PATH=" + os.Getenv("PATH"), "FAKE_CONTROL=" + w.control, "FAKE_PAUSE=20ms"}, c.agent...),
	}
	if c.real {
		w.useRealAgent(&o)
	}
	if c.options != nil {
		c.options(&o)
	}
	w.sim = fakerunpod.New(o)
	h := httptest.NewServer(w.sim)
	w.simURL = h.URL
	w.data = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(w.lines))
	}))
	t.Cleanup(func() {
		w.stop()
		w.sim.Close()
		h.CloseClientConnections()
		h.Close()
		w.data.Close()
	})
	w.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LISTEN_ADDR=127.0.0.1:0", "LOG_LEVEL=debug",
		"UNDERSTUDY_SERVICE_TOKEN=" + serviceToken, "UNDERSTUDY_DATA_DIR=" + w.dir, "TRAINING_PROVIDER=runpod",
		"RUNPOD_API_KEY=" + apiKey, "RUNPOD_BASE_URL=" + h.URL + "/v2", "RUNPOD_PROXY_URL=" + h.URL + "/proxy/{pod}/{port}",
		"AGENT_IMAGE=understudy-agent:test", "AGENT_POLL=10ms", "RUNPOD_POLL=10ms", "RUNPOD_REAP=50ms", "AGENT_GRACE=5s",
	}, c.env...)
	w.spec = map[string]any{
		"base":            map[string]any{"name": "tiny", "architecture": "llama", "contextLength": 2048, "train": map[string]any{"gguf": map[string]any{"file": "tiny.gguf"}}},
		"hyperparameters": map[string]any{"epochs": 1, "seed": 1}, "provider": "runpod", "deadlineSeconds": 600,
	}
	return w
}

// start starts the trainer; more goes to its environment this once.
func (w *world) start(more ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.launch(more...)
}

// launch waits until the trainer listens or has ended. w.mu is held.
func (w *world) launch(more ...string) {
	cmd := exec.Command(trainerProgram)
	cmd.Env = append(append([]string{}, w.env...), more...)
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.Errorf("start the trainer: %v", err)
		return
	}
	w.cmd, w.ended = cmd, make(chan struct{})
	up := make(chan string, 1)
	go func(ended chan struct{}) {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.note(lines.Text())
			if _, addr, ok := strings.Cut(lines.Text(), "msg=listening service=trainer addr="); ok {
				up <- "http://" + addr
			}
		}
		_ = cmd.Wait()
		close(ended)
	}(w.ended)
	select {
	case w.url = <-up:
	case <-w.ended:
	case <-time.After(30 * time.Second):
		w.Error("the trainer does not come up")
	}
}

var noting sync.Mutex

func (w *world) note(line string) {
	noting.Lock()
	defer noting.Unlock()
	w.log.WriteString(line + "\n")
}

func (w *world) printed() string {
	noting.Lock()
	defer noting.Unlock()
	return w.log.String()
}

// kill ends the trainer as kill -9 does.
func (w *world) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.cmd.Process.Kill()
	<-w.ended
}

// stop ends the trainer as SIGTERM does.
func (w *world) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quit = true
	if w.cmd == nil {
		return
	}
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.ended:
	case <-time.After(20 * time.Second):
		_ = w.cmd.Process.Kill()
		<-w.ended
	}
}

// revive starts the trainer again if it is dead, as whatever runs it would.
func (w *world) revive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.ended:
		if !w.quit {
			w.crashes++
			w.launch()
		}
	default:
	}
}

// await waits until ok, and starts the trainer again whenever it died.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(w.wait); !ok(); time.Sleep(5 * time.Millisecond) {
		w.revive()
		if time.Now().After(end) {
			w.Fatalf("never happened: %s\nsimulation: %+v\nagents: %s\ntrainer:\n%s\n%s", what, w.sim.State().Pods, w.events(), w.printed(), w.records())
		}
	}
}

func (w *world) records() string {
	var all strings.Builder
	files, _ := filepath.Glob(w.store() + "/jobs/*.json")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		all.Write(b)
	}
	return all.String()
}

// events is what fake agents did.
func (w *world) events() string {
	b, _ := os.ReadFile(filepath.Join(w.control, "events"))
	return strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", ", ")
}

func (w *world) count(event string) int {
	n := 0
	for _, e := range strings.Split(w.events(), ", ") {
		if e == event {
			n++
		}
	}
	return n
}

// hold lets agents wait at a point, or lets them go on.
func (w *world) hold(point string, on bool) {
	file := filepath.Join(w.control, "hold-"+point)
	if on {
		_ = os.WriteFile(file, nil, 0o600)
	} else {
		_ = os.Remove(file)
	}
}

// job is what the trainer tells of a job.
type job struct {
	State, Error, Waiting string
	Notes                 []string
	StoppedEarly          bool
	Trained               *struct {
		Steps      int
		StopReason string
	}
	Progress struct{ Step, Steps int }
	Provider struct {
		Name, ID, GPU, Where string
		CostUSD, Seconds     float64
		BilledUSD            *float64
		Machines             int
	}
	Artifacts []struct {
		Name   string
		Size   int64
		SHA256 string
	}
}

func (j job) finished() bool {
	return j.State == "succeeded" || j.State == "failed" || j.State == "cancelled"
}

// do makes a request; a trainer that is dead answers 0.
func (w *world) do(method, path string, body any) (int, []byte) {
	b, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	url := w.url
	w.mu.Unlock()
	req, err := http.NewRequest(method, url+path, bytes.NewReader(b))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+serviceToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, answer
}

const jobID = "m-1"

// put orders the job, until it is accepted.
func (w *world) put() {
	w.Helper()
	sum := sha256.Sum256([]byte(w.lines))
	w.spec["dataset"] = map[string]any{"url": w.data.URL, "sha256": hex.EncodeToString(sum[:]), "pairs": strings.Count(w.lines, "\n")}
	w.await("the job is accepted", func() bool {
		status, answer := w.do("PUT", "/v1/jobs/"+jobID, w.spec)
		if status/100 == 4 {
			w.Fatalf("%d %s", status, answer)
		}
		return status/100 == 2
	})
}

func (w *world) get() (j job) {
	if status, b := w.do("GET", "/v1/jobs/"+jobID, nil); status == 200 {
		if err := json.Unmarshal(b, &j); err != nil {
			w.Fatalf("%v: %s", err, b)
		}
	}
	return j
}

// result waits for the end of the job.
func (w *world) result() (j job) {
	w.Helper()
	w.await("the job ends", func() bool { j = w.get(); return j.finished() })
	return j
}

// until waits until the job is in a state.
func (w *world) until(state string) {
	w.Helper()
	w.await("the job is "+state, func() bool { return w.get().State == state })
}

// alive is how many pods there are.
func (w *world) alive() int { return w.sim.State().Alive }

// settled waits until nothing is left and checks every account.
func (w *world) settled() (j job) {
	w.Helper()
	w.await("no pod is left", func() bool { return w.alive() == 0 })
	w.await("the job's record says that nothing is left", func() bool { return strings.Contains(w.records(), `"clean": true`) })
	w.await("the bill is known", func() bool {
		j = w.get()
		return j.finished() && (j.Provider.Machines == 0 || j.Provider.BilledUSD != nil)
	})
	w.checkAccount(j)
	w.checkArtifacts(j)
	return j
}

// checkAccount holds the trainer's account against the simulation's: every pod
// once, for its own time, and never two at a time.
func (w *world) checkAccount(j job) {
	w.Helper()
	st := w.sim.State()
	if j.Provider.Machines != len(st.Pods) {
		w.Errorf("the job accounts for %d pods; there were %d\n%s", j.Provider.Machines, len(st.Pods), w.printed())
	}
	if len(st.Pods) == 0 {
		if j.Provider.CostUSD != 0 {
			w.Errorf("$%f for nothing", j.Provider.CostUSD)
		}
		return
	}
	var paid float64
	for _, p := range st.Pods {
		paid += p.Ended.Sub(p.Created).Seconds()
	}
	if j.Provider.Seconds < paid-0.2*float64(len(st.Pods)) || j.Provider.Seconds <= 0 {
		w.Errorf("rented for %g s, the pods were there for %g s", j.Provider.Seconds, paid)
	}
	if billed := j.Provider.BilledUSD; billed == nil || *billed < st.SpentUSD-1e-5 || *billed > st.SpentUSD+1e-5 {
		w.Errorf("billed %v, the bill is %f", billed, st.SpentUSD)
	}
	// We hear of an end later than it is, never earlier.
	if late := 3.0 / 3600 * 20; j.Provider.CostUSD < st.SpentUSD-0.0005 || j.Provider.CostUSD > st.SpentUSD+late*float64(len(st.Pods)) {
		w.Errorf("reckoned $%f, the bill is $%f", j.Provider.CostUSD, st.SpentUSD)
	}
	for i, p := range st.Pods[1:] {
		if before := st.Pods[i]; before.Ended.Sub(p.Created) > 3*time.Second {
			w.Errorf("the pods %s and %s were paid for together for %s", before.ID, p.ID, before.Ended.Sub(p.Created))
		}
	}
}

// checkArtifacts reads every artefact of a job that succeeded, and finds no
// other files.
func (w *world) checkArtifacts(j job) {
	w.Helper()
	if (j.State == "succeeded") != (j.Trained != nil && j.Trained.Steps > 0 && j.Trained.StopReason != "") {
		w.Errorf("the job is %s and its manifest tells %+v", j.State, j.Trained)
	}
	if j.State == "succeeded" && len(j.Artifacts) != 3 {
		w.Errorf("%d artefacts", len(j.Artifacts))
	}
	if j.State != "succeeded" {
		return
	}
	for _, a := range j.Artifacts {
		var status int
		var b []byte
		w.await("the artefact is answered", func() bool { status, b = w.do("GET", "/v1/artifacts/"+a.SHA256, nil); return status != 0 })
		if got := sha256.Sum256(b); status != 200 || hex.EncodeToString(got[:]) != a.SHA256 || int64(len(b)) != a.Size {
			w.Errorf("%s: status %d, %d bytes of %d", a.Name, status, len(b), a.Size)
		}
	}
	left, err := os.ReadDir(filepath.Join(w.store(), "artifacts"))
	if err != nil || len(left) != len(j.Artifacts) {
		w.Errorf("%d files for %d artefacts, %v", len(left), len(j.Artifacts), err)
	}
}

// useRealAgent lets pods run the Python agent on this machine's CPU.
func (w *world) useRealAgent(o *fakerunpod.Options) {
	w.Helper()
	root := platform.Root(w.T)
	python := filepath.Join(root, ".cache", "python", "bin", "python")
	cache, err := os.UserCacheDir()
	if err != nil {
		w.Fatal(err)
	}
	models := filepath.Join(cache, "understudy", "models")
	for _, file := range []string{python, filepath.Join(models, realBase+".Q4_1.gguf")} {
		if _, err := os.Stat(file); err != nil {
			if os.Getenv("CI") != "" {
				w.Fatalf("%v; run `make setup`", err)
			}
			w.Skipf("%v; run `make setup` to have this tested", err)
		}
	}
	o.Agent = []string{python, "-m", "understudy_agent"}
	o.AgentEnv = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PYTHONPATH=" + filepath.Join(root, "trainer", "agent", "src"), "MODELS_DIR=" + models}
	w.wait = 8 * time.Minute
	var lines []string
	for i := range 8 {
		lines = append(lines, fmt.Sprintf(`{"id":"0198c0de-0000-7000-8000-%012d","messages":[{"role":"system","content":"Label it."},{"role":"user","content":"Parcel %d?"},{"role":"assistant","content":"track"}]}`, i, i))
	}
	w.lines = strings.Join(lines, "\n") + "\n"
}

const realBase = "SmolLM2-135M-Instruct"

// realSpec is a training that the real agent does in seconds.
func (w *world) realSpec() {
	w.spec["base"] = map[string]any{"name": realBase, "architecture": "llama", "contextLength": 2048, "train": map[string]any{"gguf": map[string]any{"file": realBase + ".Q4_1.gguf"}}}
	w.spec["hyperparameters"] = map[string]any{"epochs": 1, "maxSteps": 4, "batchSize": 1, "learningRate": 0.001, "loraRank": 4, "loraAlpha": 8, "targetModules": []string{"q_proj"}, "maxSequenceTokens": 64, "seed": 1}
}

// die lets the next n agents that reach a point kill themselves.
func (w *world) die(point string, n int) {
	_ = os.WriteFile(filepath.Join(w.control, "die-"+point), []byte(fmt.Sprint(n)), 0o600)
}
