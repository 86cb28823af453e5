package trainer

import (
	"encoding/json"
	"slices"
)

// Manifest is the part of manifest.json that the trainer checks.
type Manifest struct {
	Version int `json:"version"`
	Base    struct {
		Name string `json:"name"`
	} `json:"base"`
	ChatTemplate string `json:"chatTemplate"`
	Dataset      struct {
		SHA256 string `json:"sha256"`
	} `json:"dataset"`
	Files []Artifact `json:"files"`
}

// CheckManifest says why data is not the manifest of this job's artefacts.
func CheckManifest(data []byte, spec Spec, artifacts []Artifact) error {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
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
