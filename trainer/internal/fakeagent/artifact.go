package fakeagent

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"time"

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
)

// AdapterSize is how large the made-up adapter is.
const AdapterSize = 3 << 20

// make writes what a training makes: the same for the same order.
func (a *Agent) make(o agent.Order) []trainer.Artifact {
	block := []byte(o.JobID + string(o.Hyperparameters))
	adapter := bytes.Repeat(block, AdapterSize/len(block)+1)[:AdapterSize]
	os.WriteFile(a.path(o.JobID, "adapter.gguf"), adapter, 0o644)
	os.WriteFile(a.path(o.JobID, "adapter.safetensors"), []byte("tensors of "+o.JobID), 0o644)
	list := []trainer.Artifact{a.describe(o.JobID, "adapter.gguf"), a.describe(o.JobID, "adapter.safetensors")}
	m := map[string]any{
		"version": 1, "base": map[string]string{"name": o.Base.Name}, "chatTemplate": "{{ messages }}",
		"dataset": map[string]string{"sha256": o.Dataset.SHA256}, "files": list,
		"curves": map[string]any{"evalExact": []any{map[string]any{"step": 1, "value": 0.5}, map[string]any{"step": 2, "value": 0.75}}},
		"steps":  a.Steps, "bestStep": 2, "stopReason": "steps", "tokens": 4800, "tokensPerSecond": 265.9, "device": "none", "seconds": 18.5,
	}
	b, _ := json.Marshal(m)
	os.WriteFile(a.path(o.JobID, "manifest.json"), b, 0o644)
	list = append(list, a.describe(o.JobID, "manifest.json"))
	b, _ = json.Marshal(list)
	os.WriteFile(a.path(o.JobID, "done"), b, 0o644)
	return list
}

func (a *Agent) describe(job, name string) trainer.Artifact {
	path := a.path(job, name)
	return trainer.Artifact{Name: name, Size: int64(len(read(path))), SHA256: sum(path)}
}

func (a *Agent) artifact(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	job := a.status.JobID
	a.mu.Unlock()
	name := r.PathValue("name")
	data, err := os.ReadFile(a.path(job, name))
	if err != nil {
		problem(w, 404, "no such file")
		return
	}
	a.Control.Event("pull", name, r.Header.Get("Range"))
	if name == "adapter.gguf" && a.Control.Waits("artifact") {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		a.Control.Reach("artifact")
		w.Write(data[len(data)/2:])
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
