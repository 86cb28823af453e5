package localnode

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheWorldIsWhatRunsHereAndAround(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now().UTC()
	_, c := start(t, func(cfg *ServerConfig) {
		cfg.Around = func() Around {
			return Around{Processes: []Process{{Name: "backend", URL: "http://127.0.0.1:8000", PID: 7, Restarts: 1, StartedAt: &began}, {Name: "trainer"}},
				Folders: []Folder{SizeOf("data", dir)}}
		}
	})
	mustApply(t, c, deploymentObject("slm-a-v1", container(nil), nil))
	mustApply(t, c, jobObject("slm-a-v2-e1", m{"MODE": "batch", "FAKEPOD_HANG": "1"}, nil))
	base := awaitKnown(t, c, "slm-a-v1", 1)[0]
	await(t, c, "slm-a-v2-e1", "running", func(w Workload) bool { return len(w.Pods) == 1 && w.Pods[0].PID != 0 })
	w, err := c.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Pods) < 3 || !w.Pods[0].Ready || w.Pods[0].Restarts != 1 || !w.Pods[0].StartedAt.Equal(began) || w.Pods[1].Ready || w.Pods[1].Reason == "" || w.Pods[2].Release != "slm-a-v1" || !w.Pods[2].Ready || w.Pods[2].StartedAt.Before(began) {
		t.Errorf("got %+v", w.Pods)
	}
	if s := w.Services[len(w.Services)-1]; s.Name != "slm-a-v1" || "http://"+s.Address != base || s.Ready != 1 {
		t.Errorf("got %+v", s)
	}
	if v := w.Volumes[0]; v.Used != 1000 || v.Capacity <= 1000 || v.Where != dir {
		t.Errorf("got %+v", v)
	}
	if len(w.Jobs) > 0 && (w.Jobs[0].Name != "slm-a-v2-e1" || w.Jobs[0].State != "running" || w.Jobs[0].Kind != "evaluation") {
		t.Errorf("got %+v", w.Jobs)
	}
}
