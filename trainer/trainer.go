// Package trainer has the rules of training jobs: what a valid one is, when two
// are the same, which states follow one another. It does nothing by itself.
package trainer

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// State is where a job stands.
type State string

// The states, in the order in which a job that goes well passes them.
const (
	Queued       State = "queued"       // waits for a free agent
	Provisioning State = "provisioning" // fetches the data set, starts an agent, hands the data set over
	Training     State = "training"     // the agent loads, trains or converts
	Downloading  State = "downloading"  // the artefacts exist at the agent and are pulled and verified
	Succeeded    State = "succeeded"
	Failed       State = "failed"
	Cancelled    State = "cancelled"
)

// States lists all of them.
var States = []State{Queued, Provisioning, Training, Downloading, Succeeded, Failed, Cancelled}

// transitions lists every change of state there is. A job goes back from
// downloading to training only where an agent lost its finished work.
var transitions = map[State][]State{
	Queued:       {Provisioning, Failed, Cancelled},
	Provisioning: {Training, Downloading, Failed, Cancelled},
	Training:     {Downloading, Failed, Cancelled},
	Downloading:  {Training, Succeeded, Failed, Cancelled},
}

// Finished reports whether nothing follows.
func (s State) Finished() bool { return len(transitions[s]) == 0 }

// Progress is what the agent last said about itself.
type Progress struct {
	Stage           string  `json:"stage"`
	Step            int     `json:"step"`
	Steps           int     `json:"steps"`
	Loss            float64 `json:"loss"`
	EvalLoss        float64 `json:"evalLoss"`
	TokensPerSecond float64 `json:"tokensPerSecond"`
	ETASeconds      float64 `json:"etaSeconds"`
	// EvalExact is the share of the validation part that the model would answer
	// word for word, BestStep the step whose weights are the best so far.
	EvalExact float64 `json:"evalExact,omitempty"`
	BestStep  int     `json:"bestStep,omitempty"`
	// ResumedStep is the step of the checkpoint that the training went on from.
	ResumedStep int    `json:"resumedStep,omitempty"`
	GPU         GPUUse `json:"gpu,omitzero"`
}

// GPUUse is how much the training uses of its GPU; zero on a CPU.
type GPUUse struct {
	Name             string `json:"name"`
	MemoryUsedBytes  int64  `json:"memoryUsedBytes"`
	MemoryTotalBytes int64  `json:"memoryTotalBytes"`
	Utilization      int    `json:"utilization"` // percent
}

// Machine names what a job is trained on.
type Machine struct {
	Name    string  `json:"name"` // the provider
	ID      string  `json:"id"`   // the provider's name of the agent: a process id, a URL, a pod id
	GPU     string  `json:"gpu"`
	Where   string  `json:"where,omitempty"`   // the data centre
	CostUSD float64 `json:"costUSD"`           // of all machines until now, by price and time
	Seconds float64 `json:"seconds,omitempty"` // that machines were rented until now, all of them together
	// BilledUSD is what the provider's bill says of all machines; it may come
	// hours after the job's end.
	BilledUSD *float64 `json:"billedUSD,omitempty"`
	Machines  int      `json:"machines,omitempty"` // rented so far
	// Settled is true when nothing of the cost changes any more: every machine
	// is ended and its bill is old enough to be whole, or will not come.
	Settled bool `json:"settled,omitempty"`
}

// Artifact is a file that training made, named by its content.
type Artifact struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Job is what others see of a job.
type Job struct {
	ID           string     `json:"id"`
	State        State      `json:"state"`
	Progress     Progress   `json:"progress"`
	Provider     Machine    `json:"provider"`
	Artifacts    []Artifact `json:"artifacts"` // verified and here once State is Succeeded
	StoppedEarly bool       `json:"stoppedEarly"`
	Trained      *Trained   `json:"trained,omitempty"` // by the manifest, once State is Succeeded
	Error        string     `json:"error"`             // why it failed, for a person
	Waiting      string     `json:"waiting,omitempty"` // what an unfinished job waits for or tries again
	Notes        []string   `json:"notes,omitempty"`   // what happened on the way that a person should know
	CreatedAt    time.Time  `json:"createdAt"`
	UpdatedAt    time.Time  `json:"updatedAt"`
}

// Move changes the state, or says that the change is not allowed.
func (j *Job) Move(to State, now time.Time) error {
	if !slices.Contains(transitions[j.State], to) {
		return fmt.Errorf("job %s: %s does not follow %s", j.ID, to, j.State)
	}
	j.State, j.Waiting, j.UpdatedAt = to, "", now.UTC()
	return nil
}

// Record is everything that is kept about a job, what others see included.
type Record struct {
	Job       Job       `json:"job"`
	Spec      Spec      `json:"spec"`
	StartedAt time.Time `json:"startedAt,omitzero"` // when it left the queue: the deadline counts from here
	// TrainSeconds is the deadline that the agent was given, 0 until the
	// training order was sent. Repeating the order repeats this number.
	TrainSeconds int64    `json:"trainSeconds,omitempty"`
	Token        string   `json:"token,omitempty"`  // what the job's agent is started with
	Agent        Agent    `json:"agent,omitzero"`   // what was started and has not been ended
	BootID       string   `json:"bootId,omitempty"` // of the agent as it was last heard
	Rentals      []Rental `json:"rentals,omitempty"`
	Hiring       bool     `json:"hiring,omitempty"` // a machine was asked for, so that one may exist
	Clean        bool     `json:"clean,omitempty"`  // finished, and nothing is left to end
}

// Costs reports whether a machine was rented for the job, or may have been.
func (r *Record) Costs() bool { return len(r.Rentals) > 0 || r.Hiring }

// Deadline is when training has to stop; zero while the job is queued.
func (r *Record) Deadline() time.Time {
	if r.StartedAt.IsZero() {
		return time.Time{}
	}
	return r.StartedAt.Add(time.Duration(r.Spec.DeadlineSeconds) * time.Second)
}

var idRule = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)

// CheckID refuses an id that is not fit to be a file name.
func CheckID(id string) error {
	if !idRule.MatchString(id) {
		return Errorf(Invalid, "The job id %q is not valid: use lower-case letters, digits and hyphens, at most 100.", id)
	}
	return nil
}

var installRule = regexp.MustCompile(`^[a-z0-9]{4,32}$`)

// CheckInstallID refuses a name of an installation that could be a part of
// another's.
func CheckInstallID(id string) error {
	if !installRule.MatchString(id) {
		return Errorf(Invalid, "The installation's name %q is not valid: use 4 to 32 lower-case letters and digits.", id)
	}
	return nil
}

var attemptRule = regexp.MustCompile(`^[0-9]+$`)

// BelongsTo reports whether the job trains this model: its id is
// <model>-<attempt>.
func (j *Job) BelongsTo(model string) bool {
	n := len(model)
	return n > 0 && len(j.ID) > n+1 && j.ID[:n] == model && j.ID[n] == '-' && attemptRule.MatchString(j.ID[n+1:])
}
