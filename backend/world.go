package understudy

import (
	"context"
	"time"
)

// World is what runs the platform: objects of its namespace, or on one machine
// what stands for them.
type World struct {
	Pods     []PodSeen
	Services []ServiceSeen
	Volumes  []VolumeSeen
	Jobs     []JobSeen
}

// Observer looks at the world. Both implementations (Kubernetes, local node)
// answer within a second or so.
type Observer interface {
	World(ctx context.Context) (World, error)
}

// PodSeen is a pod, or a process that stands for one.
type PodSeen struct {
	Name      string
	App       string // backend, slm-inference, ...
	Release   string // of an SLM
	Phase     string // as Kubernetes says it: Running, Pending, ...
	Ready     bool
	Restarts  int
	Reason    string // why it is not ready
	Node      string
	StartedAt *time.Time
}

// ServiceSeen is a name that others call.
type ServiceSeen struct {
	Name    string
	Address string // cluster IP and port, or a URL
	Ready   int    // pods behind it
}

// VolumeSeen is a claim, or a folder that stands for one.
type VolumeSeen struct {
	Name     string
	Phase    string // Bound, Pending, ...
	Capacity int64  // bytes, 0 = not known
	Used     int64  // bytes, 0 = not known
	Where    string // storage class, or path
}

// JobSeen is work that ends.
type JobSeen struct {
	Name      string
	Kind      string // training or evaluation
	State     string // running, succeeded, failed, or a phase of its own
	Done      int    // of Total: steps or answers; 0 of 0 = not known
	Total     int
	Reason    string
	StartedAt *time.Time
}
