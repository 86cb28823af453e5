package wire

import "time"

// World is what runs the platform.
type World struct {
	Pods     []Pod     `json:"pods"`
	Services []Service `json:"services"`
	Volumes  []Volume  `json:"volumes"`
	Jobs     []Job     `json:"jobs"`
}

// Pod is a pod, or on one machine a process that stands for one.
type Pod struct {
	Name      string     `json:"name"`
	App       string     `json:"app"`
	Release   string     `json:"release,omitempty" doc:"Of an SLM"`
	Phase     string     `json:"phase" doc:"Running, Pending, Terminating, …"`
	Ready     bool       `json:"ready"`
	Restarts  int        `json:"restarts"`
	Reason    string     `json:"reason,omitempty" doc:"Why it is not ready"`
	Node      string     `json:"node,omitempty"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
}

// Service is a name that others call.
type Service struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Ready   int    `json:"ready" doc:"Pods behind it"`
}

// Volume is a claim, or on one machine a folder that stands for one.
type Volume struct {
	Name          string `json:"name"`
	Phase         string `json:"phase"`
	CapacityBytes int64  `json:"capacityBytes" doc:"0: not known"`
	UsedBytes     int64  `json:"usedBytes" doc:"0: not known"`
	Where         string `json:"where,omitempty" doc:"Storage class, or path"`
}

// Job is work that ends.
type Job struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind" doc:"training, evaluation, or a hook's"`
	State     string     `json:"state"`
	Done      int        `json:"done" doc:"Of total; 0 of 0: not known"`
	Total     int        `json:"total"`
	Reason    string     `json:"reason,omitempty"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
}
