package localnode

import (
	"context"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

// Around is what the local node's owner runs and keeps beside it, as its
// clients see it.
type Around struct {
	Processes []Process `json:"processes"`
	Folders   []Folder  `json:"folders"`
}

// Process is a service of the platform.
type Process struct {
	Name      string     `json:"name"`
	URL       string     `json:"url"`
	PID       int        `json:"pid"` // 0 while none runs
	Restarts  int        `json:"restarts"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
}

// Folder holds data; Used is in bytes.
type Folder struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Used  int64  `json:"used"`
	Total int64  `json:"total"` // Used and what the disk has left
}

// SizeOf measures a folder.
func SizeOf(name, path string) Folder {
	f := Folder{Name: name, Path: path}
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			f.Used += info.Size()
		}
		return nil
	})
	var disk syscall.Statfs_t
	if syscall.Statfs(path, &disk) == nil {
		f.Total = f.Used + int64(disk.Bavail)*int64(disk.Bsize)
	}
	return f
}

func (s *Server) around(w http.ResponseWriter, _ *http.Request) {
	a := Around{Processes: []Process{}, Folders: []Folder{}}
	if s.cfg.Around != nil {
		a = s.cfg.Around()
	}
	serve.JSON(w, http.StatusOK, a)
}

// World implements understudy.Observer.
func (c *Client) World(ctx context.Context) (understudy.World, error) {
	var a Around
	if err := c.call(ctx, http.MethodGet, "/v1/around", nil, &a); err != nil {
		return understudy.World{}, err
	}
	var w understudy.World
	for _, p := range a.Processes {
		seen := understudy.PodSeen{Name: p.Name, App: p.Name, Phase: "Running", Ready: p.PID != 0, Restarts: p.Restarts, Node: "this machine", StartedAt: p.StartedAt}
		ready := 1
		if p.PID == 0 {
			seen.Phase, seen.Reason, ready = "Pending", "it ended and is being started again", 0
		}
		w.Pods = append(w.Pods, seen)
		w.Services = append(w.Services, understudy.ServiceSeen{Name: p.Name, Address: strings.TrimPrefix(p.URL, "http://"), Ready: ready})
	}
	for _, f := range a.Folders {
		w.Volumes = append(w.Volumes, understudy.VolumeSeen{Name: f.Name, Phase: "Bound", Capacity: f.Total, Used: f.Used, Where: f.Path})
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, work := range c.known {
		work.show(&w)
	}
	slices.SortFunc(w.Pods[len(a.Processes):], func(a, b understudy.PodSeen) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(w.Jobs, func(a, b understudy.JobSeen) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(w.Services[len(a.Processes):], func(a, b understudy.ServiceSeen) int { return strings.Compare(a.Name, b.Name) })
	return w, nil
}

func (w Workload) show(to *understudy.World) {
	for _, p := range w.Pods {
		seen := understudy.PodSeen{Name: p.Name, App: "slm-inference", Release: w.Name, Phase: "Running", Ready: p.Ready, Restarts: p.Restarts, Node: "this machine", StartedAt: &p.StartedAt}
		if !p.Ready {
			seen.Reason = w.Reason
		}
		if p.PID == 0 {
			seen.Phase = "Pending"
		}
		to.Pods = append(to.Pods, seen)
	}
	if w.Kind == kindJob {
		job := understudy.JobSeen{Name: w.Name, Kind: "evaluation", State: "running", Reason: w.Reason}
		switch {
		case w.Failed:
			job.State = "failed"
		case w.Succeeded:
			job.State = "succeeded"
		}
		to.Jobs = append(to.Jobs, job)
		return
	}
	s := understudy.ServiceSeen{Name: w.Name, Ready: w.Ready}
	if len(w.Addresses) > 0 {
		s.Address = strings.TrimPrefix(w.Addresses[0], "http://")
	}
	to.Services = append(to.Services, s)
}
