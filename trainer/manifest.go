package trainer

import (
	"encoding/json"
	"slices"
)

// Manifest is the part of manifest.json that the trainer checks or shows.
type Manifest struct {
	Version int `json:"version"`
	Base    struct {
		Name string `json:"name"`
	} `json:"base"`
	ChatTemplate string `json:"chatTemplate"`
	Dataset      struct {
		SHA256 string `json:"sha256"`
	} `json:"dataset"`
	Files  []Artifact `json:"files"`
	Curves struct {
		EvalExact []struct {
			Step  int     `json:"step"`
			Value float64 `json:"value"`
		} `json:"evalExact"`
	} `json:"curves"`
	Trained
}

// Trained is what the agent says of the training that made a job's artefacts.
type Trained struct {
	Steps    int `json:"steps"`    // that were done
	BestStep int `json:"bestStep"` // whose weights the adapter has
	// EvalExact is the share of the validation part that the adapter would answer
	// word for word; absent where nothing was set apart.
	EvalExact *float64 `json:"evalExact,omitempty"`
	// StopReason is steps (all were done), deadline, or validation (it brought
	// nothing better any more).
	StopReason      string  `json:"stopReason"`
	Tokens          int64   `json:"tokens"` // trained on, repetitions included
	TokensPerSecond float64 `json:"tokensPerSecond"`
	Device          string  `json:"device"`
	Seconds         float64 `json:"seconds"` // of training alone
}

// Facts returns what the manifest says of the training, its validation score at
// the best step included.
func (m *Manifest) Facts() Trained {
	facts := m.Trained
	for _, p := range m.Curves.EvalExact {
		if p.Step == m.BestStep {
			facts.EvalExact = &p.Value
		}
	}
	return facts
}

// ReadManifest returns the manifest of this job's artefacts, or says why data
// is not it.
func ReadManifest(data []byte, spec Spec, artifacts []Artifact) (m Manifest, err error) {
	return m, m.read(data, spec, artifacts)
}

func (m *Manifest) read(data []byte, spec Spec, artifacts []Artifact) error {
	if err := json.Unmarshal(data, m); err != nil {
		return Errorf(Broken, "The agent's manifest.json is not valid: %v.", err)
	}
	switch {
	case m.Version != 1:
		return Errorf(Broken, "The agent's manifest.json has version %d; this trainer knows version 1. Use an agent of the same release.", m.Version)
	case m.Base.Name != spec.Base.Name:
		return Errorf(Broken, "The agent tuned the base %q instead of %q.", m.Base.Name, spec.Base.Name)
	case m.Dataset.SHA256 != spec.Dataset.SHA256:
		return Errorf(Broken, "The agent trained on another data set than the job's.")
	case m.ChatTemplate == "":
		return Errorf(Broken, "The agent's manifest.json has no chat template.")
	}
	for _, f := range artifacts {
		if f.Name != ManifestFile && !slices.Contains(m.Files, f) {
			return Errorf(Broken, "The agent's manifest.json and its list of files disagree about %s.", f.Name)
		}
	}
	return nil
}
