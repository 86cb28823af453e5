package main

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

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/fakeagent"
)

// TestMain lets this binary be the trainer and the fake agent too.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "fake-agent":
		os.Exit(fakeagent.Main())
	case os.Getenv("TEST_ROLE") == "trainer":
		os.Unsetenv("TEST_ROLE")
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const serviceToken = "service-token-of-the-test"

// How long a test waits for what must happen: with a fake agent, with the real one.
const (
	patience     = 60 * time.Second
	realPatience = 6 * time.Minute
)

// world is a trainer process with everything around it.
type world struct {
	*testing.T
	Dir     string
	Control fakeagent.Control
	Data    *dataset
	URL     string
	cmd     *exec.Cmd
	env     []string
	wait    time.Duration
}

// newWorld starts the real program on a free port with a local fake agent; env
// adds to its environment.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	w := &world{T: t, Dir: t.TempDir(), Control: fakeagent.Control(t.TempDir()), Data: newDataset(t), wait: patience}
	w.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TEST_ROLE=trainer", "LISTEN_ADDR=127.0.0.1:0",
		"UNDERSTUDY_SERVICE_TOKEN=" + serviceToken, "UNDERSTUDY_DATA_DIR=" + w.Dir, "AGENT_POLL=10ms",
		"AGENT_COMMAND=" + os.Args[0] + " fake-agent", "FAKE_CONTROL=" + string(w.Control), "LOG_LEVEL=debug",
		"GORACE=" + os.Getenv("GORACE"),
	}, env...)
	w.start()
	t.Cleanup(func() { w.kill(syscall.SIGKILL) })
	return w
}

func (w *world) start() {
	w.Helper()
	w.cmd = exec.Command(os.Args[0])
	w.cmd.Env = w.env
	out, err := w.cmd.StderrPipe()
	if err != nil {
		w.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var log []string
	for lines.Scan() {
		log = append(log, lines.Text())
		if _, addr, ok := strings.Cut(lines.Text(), "msg=listening service=trainer addr="); ok {
			w.URL = "http://" + addr
			go io.Copy(io.Discard, out)
			return
		}
	}
	w.Fatalf("the trainer did not start: %s", strings.Join(log, "\n"))
}

// kill ends the trainer with a signal and waits for it.
func (w *world) kill(s syscall.Signal) {
	_ = w.cmd.Process.Signal(s)
	_ = w.cmd.Wait()
}

func (w *world) restart() {
	w.Helper()
	w.await("no agent is left", func() bool { return len(w.Control.Alive()) == 0 })
	w.start()
}

// await waits until ok.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(w.wait); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("never happened: %s; events: %q; %s", what, w.Control.Events(), w.state())
		}
	}
}

// state is what there is to see of a world that went wrong.
func (w *world) state() string {
	var seen strings.Builder
	for _, pattern := range []string{"/jobs/*.json", "/logs/*.log"} {
		files, _ := filepath.Glob(w.Dir + pattern)
		for _, f := range files {
			b, _ := os.ReadFile(f)
			fmt.Fprintf(&seen, "\n%s:\n%s", f, b[max(0, len(b)-4000):])
		}
	}
	return seen.String()
}

// slowly gives f the patience that real training needs.
func (w *world) slowly(f func()) {
	w.wait = realPatience
	defer func() { w.wait = patience }()
	f()
}

// reached waits until the agent is at a point.
func (w *world) reached(point string) {
	w.Helper()
	w.await("the agent reaches "+point, func() bool { return w.Control.Count("reach "+point) > 0 })
}

// do makes a request with the service token; it returns status and body.
func (w *world) do(method, path string, body any) (int, []byte) {
	w.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	return w.send(method, path, serviceToken, bytes.NewReader(b))
}

func (w *world) send(method, path, token string, body io.Reader) (int, []byte) {
	w.Helper()
	req, err := http.NewRequest(method, w.URL+path, body)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res.StatusCode, answer
}

func (w *world) put(id string, spec trainer.Spec) trainer.Job {
	w.Helper()
	status, body := w.do("PUT", "/v1/jobs/"+id, spec)
	if status != 201 {
		w.Fatalf("PUT answered %d: %s", status, body)
	}
	return decode(w.T, body)
}

func decode(t *testing.T, body []byte) (j trainer.Job) {
	t.Helper()
	if err := json.Unmarshal(body, &j); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return j
}

func (w *world) get(id string) trainer.Job {
	w.Helper()
	status, body := w.do("GET", "/v1/jobs/"+id, nil)
	if status != 200 {
		w.Fatalf("GET answered %d: %s", status, body)
	}
	return decode(w.T, body)
}

// until waits for a job to be in a state, and fails early where it cannot be.
func (w *world) until(id string, want trainer.State) trainer.Job {
	w.Helper()
	var j trainer.Job
	w.await(fmt.Sprintf("job %s is %s", id, want), func() bool {
		j = w.get(id)
		if j.State.Finished() && j.State != want {
			w.Fatalf("job %s is %s: %s", id, j.State, j.Error)
		}
		return j.State == want
	})
	return j
}

// checkArtifacts reads every artefact back and holds it against its name.
func (w *world) checkArtifacts(j trainer.Job) {
	w.Helper()
	if len(j.Artifacts) != 3 {
		w.Errorf("the job has %d artefacts", len(j.Artifacts))
	}
	for _, a := range j.Artifacts {
		status, body := w.do("GET", "/v1/artifacts/"+a.SHA256, nil)
		if got := sha256.Sum256(body); status != 200 || hex.EncodeToString(got[:]) != a.SHA256 || int64(len(body)) != a.Size {
			w.Errorf("%s: status %d, %d bytes", a.Name, status, len(body))
		}
	}
}

// checkNothingLeft waits until no agent runs and the job's work folder is gone.
func (w *world) checkNothingLeft(id string) {
	w.Helper()
	w.await("no agent is left", func() bool { return len(w.Control.Alive()) == 0 })
	w.await("the work folder is gone", func() bool { _, err := os.Stat(w.Dir + "/work/" + id); return os.IsNotExist(err) })
}

// spec is a job on the data set.
func (w *world) spec() trainer.Spec {
	return trainer.Spec{
		Base: trainer.Base{Name: "tiny", Architecture: "llama", ContextLength: 2048,
			Train: trainer.Source{GGUF: trainer.GGUF{File: "tiny.gguf"}}},
		Dataset:         trainer.Dataset{URL: w.Data.URL, SHA256: w.Data.SHA256, Pairs: 2},
		Hyperparameters: json.RawMessage(`{"epochs":1,"seed":1}`),
		Provider:        "local", DeadlineSeconds: 3600,
	}
}

// dataset is a backend that serves one data set, as well as it is told to.
type dataset struct {
	*httptest.Server
	SHA256 string
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) bool
	asked  int
	data   string
}

func newDataset(t *testing.T) *dataset {
	d := &dataset{}
	d.replace(strings.Repeat(`{"id":"x","messages":[{"role":"user","content":"hello"}]}`+"\n", 5000))
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.asked++
		answer, data := d.answer, d.data
		d.mu.Unlock()
		switch {
		case answer != nil && answer(w, r):
		case r.Header.Get("Authorization") != "Bearer "+serviceToken:
			http.Error(w, "who are you", 401)
		default:
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(data))
		}
	}))
	t.Cleanup(d.Close)
	return d
}

// replace makes it serve another data set.
func (d *dataset) replace(data string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := sha256.Sum256([]byte(data))
	d.data, d.SHA256 = data, hex.EncodeToString(sum[:])
}

// set decides how the data set's requests are answered from now on; nil is well.
func (d *dataset) set(answer func(w http.ResponseWriter, r *http.Request) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

func (d *dataset) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}
