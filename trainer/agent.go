package trainer

import (
	"regexp"
	"time"
)

// Order is what a provider is told when a job needs an agent.
type Order struct {
	JobID string
	Spec  Spec
	Token string // the agent shall take requests with this token only
	Dir   string // a folder of the job's own that survives the agent
	Log   string // a file for what the agent prints
	// Previous is what the last call for this job returned, also where that
	// was in another process before a restart; zero the first time.
	Previous Agent
	// Deadline is when training has to stop; Grace is how long after it an
	// agent has to hand over what it made.
	Deadline time.Time
	Grace    time.Duration
	SpentUSD float64 // on all machines of the job so far
	Account  Account // nil where nothing that is rented shall be made
}

// Account is told of machines that cost, at once: what is not told is lost with
// the process.
type Account interface {
	// Hiring is called before a machine is asked for.
	Hiring()
	// Hired is called when a machine exists, long before its agent answers.
	Hired(Agent)
	// Ended is called when a machine is known to be gone.
	Ended(id string)
}

// Agent is a running agent that answers at URL.
type Agent struct {
	ID    string `json:"id"` // changes when the agent was started anew
	URL   string `json:"url"`
	Token string `json:"token"`
	// Owned is true where the provider started it and End ends it.
	Owned bool   `json:"owned,omitempty"`
	Ready bool   `json:"ready,omitempty"` // it has answered before
	GPU   string `json:"gpu,omitempty"`
	Where string `json:"where,omitempty"` // the data centre
	// HourlyUSD is above 0 where the machine is rented.
	HourlyUSD float64   `json:"hourlyUSD,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
}

var artifactRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// The artefacts that every training makes.
const (
	AdapterFile  = "adapter.gguf"
	ManifestFile = "manifest.json"
)

// maxArtifact keeps an agent that lies about sizes from filling the disk.
const maxArtifact = 64 << 30

// CheckArtifacts refuses a list from an agent that names no files we could keep.
func CheckArtifacts(list []Artifact) error {
	names := map[string]bool{}
	for _, a := range list {
		switch {
		case !artifactRule.MatchString(a.Name):
			return Errorf(Broken, "The agent offers a file with the name %q, which is not allowed.", a.Name)
		case names[a.Name]:
			return Errorf(Broken, "The agent offers the file %s twice.", a.Name)
		case a.Size <= 0 || a.Size > maxArtifact:
			return Errorf(Broken, "The agent says that %s has %d bytes, which cannot be.", a.Name, a.Size)
		case !IsSHA256(a.SHA256):
			return Errorf(Broken, "The agent gives no sha256 for %s.", a.Name)
		}
		names[a.Name] = true
	}
	for _, name := range []string{AdapterFile, ManifestFile} {
		if !names[name] {
			return Errorf(Broken, "The agent finished without the file %s. Look at its log.", name)
		}
	}
	return nil
}
