package play

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The main job on a pod of the simulated RunPod: real training there, the
// weights through its proxy, which cuts the transfer twice.
func TestTheMainJobOnASimulatedRunPod(t *testing.T) {
	var list [][]message
	for i := range 800 {
		label := []string{"parcel", "refund", "invoice", "password"}[i%4]
		list = append(list, []message{{"system", "Label the note."}, {"user", fmt.Sprintf("note %d about my %s %s", i, label, words[i%len(words)])}, {"assistant", label}})
	}
	status, rep, out := runWhile(t, write(t, list), func(dir string) {
		breakTransfer(t, dir, 300_000)
		breakTransfer(t, dir, 500_000)
	}, "--provider", "runpod", "--train-pairs", "80", "--max-steps", "30")
	if status != 0 && status != 2 {
		t.Fatalf("exit status %d", status)
	}
	if status == 0 != (rep.Verdict == "passed") {
		t.Errorf("exit status %d with the verdict %q", status, rep.Verdict)
	}
	if rep.Provider != "runpod" || rep.Pod == nil {
		t.Fatalf("the report has the provider %q and the pod %v", rep.Provider, rep.Pod)
	}
	p := rep.Pod
	if !p.Simulated || p.ID == "" || p.GPU == "" || p.Where == "" || p.Machines != 1 {
		t.Errorf("the pod is %+v", p)
	}
	if p.Left != 0 || p.Resumed < 2 {
		t.Errorf("%d pods are left, %d transfers were resumed", p.Left, p.Resumed)
	}
	if p.BilledUSD == nil || rep.CostUSD <= 0 || math.Abs(*p.BilledUSD-rep.CostUSD) > 0.002 {
		t.Errorf("cost $%f, billed %v", rep.CostUSD, p.BilledUSD)
	}
	for _, words := range []string{"at the simulated RunPod", "nothing was rented or paid", "the pod is ended"} {
		if !strings.Contains(out, words) {
			t.Errorf("it does not say %q", words)
		}
	}
}

// breakTransfer has the simulation's proxy cut the adapter's next transfer
// after so many bytes, as soon as there is a simulation.
func breakTransfer(t *testing.T, dir string, bytes int) {
	t.Helper()
	body := fmt.Sprintf(`{"path":"/proxy/*/8000/v1/artifacts/adapter.gguf","cutAfter":%d}`, bytes)
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var state struct{ RunPod string }
		b, err := os.ReadFile(filepath.Join(dir, "platform.json"))
		if err != nil || json.Unmarshal(b, &state) != nil || state.RunPod == "" {
			continue
		}
		res, err := http.Post(state.RunPod+"/admin/faults", "application/json", strings.NewReader(body))
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusNoContent {
			return
		}
	}
	t.Error("there was no simulated RunPod")
}
