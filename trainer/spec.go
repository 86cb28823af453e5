package trainer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Spec is what a job is asked to do.
type Spec struct {
	Base            Base            `json:"base"`
	Dataset         Dataset         `json:"dataset"`
	Hyperparameters json.RawMessage `json:"hyperparameters"` // an object; the agent knows what it means
	Provider        string          `json:"provider"`
	DeadlineSeconds int64           `json:"deadlineSeconds"` // from the moment the job leaves the queue
	MaxCostUSD      float64         `json:"maxCostUSD"`      // 0 is no limit
	GPUCandidates   []string        `json:"gpuCandidates"`
	Image           string          `json:"image"`
}

// Base is the model that is tuned, and where its weights for training are.
type Base struct {
	Name          string `json:"name"`
	Architecture  string `json:"architecture"`
	Licence       string `json:"licence,omitempty"`
	ContextLength int    `json:"contextLength"`
	Train         Source `json:"train"`
}

// Source is a GGUF file, or a repository of the Hugging Face hub ("name@revision").
type Source struct {
	GGUF GGUF   `json:"gguf"`
	HF   string `json:"hf"`
}

// GGUF is a file in the models folder, or behind a URL.
type GGUF struct {
	File   string `json:"file"`
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
}

// Dataset is the JSONL file of conversations.
type Dataset struct {
	URL    string `json:"url,omitempty"`
	SHA256 string `json:"sha256"`
	Pairs  int    `json:"pairs"`
}

var sha256Rule = regexp.MustCompile(`^[0-9a-f]{64}$`)

// IsSHA256 reports whether s is a sha256 in lower-case hex.
func IsSHA256(s string) bool { return sha256Rule.MatchString(s) }

// maxDeadline is 30 days: longer is a mistake of units.
const maxDeadline = 30 * 24 * 3600

// Validate returns one Invalid error that names every mistake.
func (s *Spec) Validate(providers []string) error {
	var wrong []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	check(s.Base.Name != "", "base.name is empty")
	check(s.Base.Architecture != "", "base.architecture is empty")
	check(s.Base.ContextLength > 0, "base.contextLength must be above 0")
	g := s.Base.Train.GGUF
	check(g.File != "" || g.URL != "" || s.Base.Train.HF != "", "base.train names no weights: give gguf.file, gguf.url or hf")
	check(g.SHA256 == "" || IsSHA256(g.SHA256), "base.train.gguf.sha256 is not 64 lower-case hex digits")
	u, err := url.Parse(s.Dataset.URL)
	check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "dataset.url must be an absolute http or https URL")
	check(IsSHA256(s.Dataset.SHA256), "dataset.sha256 is not 64 lower-case hex digits")
	check(s.Dataset.Pairs > 0, "dataset.pairs must be above 0")
	var object map[string]json.RawMessage
	check(json.Unmarshal(s.Hyperparameters, &object) == nil && object != nil, "hyperparameters must be a JSON object")
	check(slices.Contains(providers, s.Provider), "provider %q is not known here; this trainer has: %s", s.Provider, cmp.Or(strings.Join(providers, ", "), "none"))
	check(s.DeadlineSeconds > 0 && s.DeadlineSeconds <= maxDeadline, "deadlineSeconds must be between 1 and %d", maxDeadline)
	check(s.MaxCostUSD >= 0, "maxCostUSD must not be negative")
	if wrong == nil {
		return nil
	}
	return Errorf(Invalid, "The job is not valid: %s.", strings.Join(wrong, "; "))
}

// Same reports whether two specs ask for the same work. The address of the data
// set is not part of it: its content is named by its sha256, and a backend may
// come back at another address.
func (s Spec) Same(other Spec) bool {
	s.Dataset.URL, other.Dataset.URL = "", ""
	return reflect.DeepEqual(canonical(s), canonical(other))
}

func canonical(s Spec) any {
	if len(s.GPUCandidates) == 0 {
		s.GPUCandidates = []string{}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	_ = dec.Decode(&v)
	return v
}
