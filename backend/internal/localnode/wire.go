package localnode

import (
	"net/http"
	"time"

	understudy "understudy.dev/backend"
)

// Workload is how a Deployment or a Job is doing: what the watch sends, the
// whole list each time.
type Workload struct {
	Kind      string   `json:"kind"`
	Name      string   `json:"name"`
	Replicas  int      `json:"replicas"`            // wanted
	Ready     int      `json:"ready"`               // ready and of the newest pod template
	Addresses []string `json:"addresses,omitempty"` // base URLs of every ready pod, those being replaced too
	Pods      []Pod    `json:"pods,omitempty"`      // not ending
	Succeeded bool     `json:"succeeded,omitempty"`
	Failed    bool     `json:"failed,omitempty"`
	Reason    string   `json:"reason,omitempty"` // why it is not ready, for people
	Version   string   `json:"version"`          // changes with every apply and scale
}

// Pod is a running copy of a workload's container.
type Pod struct {
	Name     string `json:"name"`
	PID      int    `json:"pid,omitempty"` // 0 while none runs
	Ready    bool   `json:"ready"`
	Restarts int    `json:"restarts"`

	StartedAt time.Time `json:"startedAt"`
}

func (w Workload) state() understudy.WorkloadState {
	return understudy.WorkloadState{Exists: true, Replicas: w.Replicas, Ready: w.Ready, Succeeded: w.Succeeded,
		Failed: w.Failed, Reason: w.Reason, Version: w.Version}
}

// Ref names an object; the local node tells objects apart by kind and name.
type Ref struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type scaleRequest struct {
	Replicas int    `json:"replicas"`
	Version  string `json:"version"`
}

// The control socket's errors are RFC 9457 documents; codes travel as status.
var statusOf = map[understudy.Code]int{
	understudy.Invalid: http.StatusUnprocessableEntity, understudy.NotFound: http.StatusNotFound,
	understudy.Conflict: http.StatusConflict, understudy.Unavailable: http.StatusServiceUnavailable,
}

func codeOf(status int) understudy.Code {
	for code, s := range statusOf {
		if s == status {
			return code
		}
	}
	return understudy.Internal
}
