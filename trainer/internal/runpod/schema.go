package runpod

import "time"

// The shapes on the wire. ci/contract/runpod.json has the facts they are held
// against.

// PodStatus is where a pod stands. RUNNING does not mean that its program
// answers: only the program's own answer does.
type PodStatus string

// Every status there is.
const (
	Provisioning PodStatus = "PROVISIONING"
	Starting     PodStatus = "STARTING"
	Running      PodStatus = "RUNNING"
	Exited       PodStatus = "EXITED"
	Errored      PodStatus = "ERROR"
	Terminated   PodStatus = "TERMINATED"
)

// Over reports whether the pod does no more work. It may still be there, and a
// stopped one still pays for its disk.
func (s PodStatus) Over() bool { return s == Exited || s == Errored || s == Terminated }

// Cloud tells whose machines are rented.
type Cloud string

// The two clouds.
const (
	Secure    Cloud = "SECURE"
	Community Cloud = "COMMUNITY"
)

// CreatePod is the body of POST /pods. A key that is not in the contract is
// refused with 422.
type CreatePod struct {
	Name          string            `json:"name"`
	Image         string            `json:"image"`
	GPU           CreateGPU         `json:"gpu"`
	Cloud         Cloud             `json:"cloud"`
	Disk          int               `json:"disk"` // GB, wiped whenever the container restarts
	Ports         []string          `json:"ports"`
	DataCenterIDs []string          `json:"dataCenterIds,omitempty"`
	Env           map[string]string `json:"env"`
	Mounts        *Mounts           `json:"mounts,omitempty"`
	Registry      *string           `json:"registry,omitempty"` // id of a stored registry credential
}

// CreateGPU names one GPU type; RunPod does not fall back to another.
type CreateGPU struct {
	ID             string `json:"id"`
	Count          int    `json:"count"`
	MinCUDAVersion string `json:"minCudaVersion,omitempty"`
}

// Mounts has at most one network volume.
type Mounts struct {
	Network []NetworkMount `json:"network,omitempty"`
}

// NetworkMount puts a network volume of the pod's data centre at a path.
type NetworkMount struct {
	VolumeID string `json:"volumeId"`
	Path     string `json:"path"`
}

// Pod is what is read of a pod. Its environment, which holds the agent's token,
// is left unread.
type Pod struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Status       PodStatus   `json:"status"`
	GPU          *PodGPU     `json:"gpu"`
	DataCenterID *string     `json:"dataCenterId"`
	Cost         float64     `json:"cost"` // USD an hour, now; seen above 0 on stopped pods
	Runtime      *PodRuntime `json:"runtime"`
	CreatedAt    time.Time   `json:"createdAt"`
	StartedAt    *time.Time  `json:"startedAt"`
}

// PodGPU is the GPU that a pod has.
type PodGPU struct {
	ID    string `json:"id"`
	Count int    `json:"count"`
}

// PodRuntime is there once the container runs.
type PodRuntime struct {
	Uptime int64 `json:"uptime"` // seconds
}

// Where names the pod's data centre, "" where it has none yet.
func (p Pod) Where() string {
	if p.DataCenterID == nil {
		return ""
	}
	return *p.DataCenterID
}

type listPods struct {
	Pods []Pod `json:"pods"`
}

// Availability is advisory: a create may fail on HIGH.
type Availability string

// The levels, the best last.
const (
	None   Availability = "NONE"
	Low    Availability = "LOW"
	Medium Availability = "MEDIUM"
	High   Availability = "HIGH"
)

// GPUType is one line of the catalogue.
type GPUType struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Manufacturer string       `json:"manufacturer"`
	Memory       int          `json:"memory"` // GB
	Secure       bool         `json:"secure"`
	Community    bool         `json:"community"`
	Price        GPUPrice     `json:"price"`
	Availability Availability `json:"availability"`
	DataCenters  []Stock      `json:"dataCenters"`
}

// GPUPrice is the list price of one GPU in USD an hour.
type GPUPrice struct {
	Secure    float64 `json:"secure"`
	Community float64 `json:"community"`
}

// Stock is a GPU type's stock in one data centre.
type Stock struct {
	ID           string       `json:"id"`
	Availability Availability `json:"availability"`
}

type listGPUs struct {
	GPUs []GPUType `json:"gpus"`
}

// Volume is a network volume.
type Volume struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Size       int    `json:"size"` // GB
	DataCenter string `json:"dataCenter"`
}

// BillingRecord is what one pod cost in one span of time, in USD.
type BillingRecord struct {
	PodID       string  `json:"podId"`
	TotalAmount float64 `json:"totalAmount"`
}

type listBilling struct {
	Records []BillingRecord `json:"records"`
}

type problem struct {
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail"`
	Errors []string `json:"errors"`
}
