// Package understudy is the domain: what an endpoint, a pair and a model are,
// which phases a model may go through, how a verdict is reached. It knows no
// database, no HTTP and no Kubernetes, and uses the standard library only.
package understudy

import (
	"regexp"
	"slices"
	"time"
)

// Metric says how an SLM's answer is compared with the LLM's.
type Metric string

const (
	MetricAuto       Metric = "auto"       // exact where most answers are labels or JSON
	MetricSimilarity Metric = "similarity" // mean cosine of sentence embeddings
	MetricExact      Metric = "exact"      // share of identical answers
)

// Endpoint is a named use of an LLM; clients send its name as model.
type Endpoint struct {
	Name          string
	Upstream      string // name of an upstream
	UpstreamModel string // what is sent to it as model
	Base          string // name of a base SLM in the catalogue
	Metric        Metric
	Threshold     float64 // the gate's, 0 to 1

	MinTrainPairs int // new train pairs that start a training
	MinEvalPairs  int // distinct eval prompts that a verdict needs
	MaxTrainPairs int
	MaxEvalPairs  int

	SLMShare     float64 // of the eligible requests, 0 to 1
	TeacherShare float64 // of those, the part that the LLM answers all the same

	SLMFirstTokenTimeout time.Duration
	SLMTotalTimeout      time.Duration
	ScaleToZeroAfter     time.Duration // 0 = never

	Capture     bool
	AutoTrain   bool
	AutoDeploy  bool
	Bypass      bool            // everything to the LLM
	Fingerprint FingerprintMode // as chosen; see TaskMode for what is in force

	PromptVaries bool // found by the lifecycle: most requests bring a system prompt of their own

	RetentionDays int
	Provider      string // training provider, "" = the platform's
	// Limits of one training; 0 and none mean the platform's.
	MaxCostUSD       float64
	TrainingDeadline time.Duration // whole seconds
	GPUCandidates    []string      // ranked, for providers that rent
	Hyperparameters  Hyperparameters

	Generation int64 // raised by every change
	CreatedAt  time.Time
	UpdatedAt  time.Time
	DeletedAt  *time.Time // tombstone; the reconciler finishes the deletion
}

// Defaults of a new endpoint.
const (
	DefaultThreshold     = 0.85
	DefaultMinTrainPairs = 200
	DefaultMinEvalPairs  = 100
	DefaultMaxTrainPairs = 20_000
	DefaultMaxEvalPairs  = 1_000
	DefaultTeacherShare  = 0.05
	DefaultRetentionDays = 30
)

// NewEndpoint returns an endpoint with every default set.
func NewEndpoint(name, upstream, upstreamModel string, threshold float64) Endpoint {
	return Endpoint{
		Name: name, Upstream: upstream, UpstreamModel: upstreamModel, Base: DefaultBase,
		Metric: MetricAuto, Threshold: threshold,
		MinTrainPairs: DefaultMinTrainPairs, MinEvalPairs: DefaultMinEvalPairs,
		MaxTrainPairs: DefaultMaxTrainPairs, MaxEvalPairs: DefaultMaxEvalPairs,
		SLMShare: 1, TeacherShare: DefaultTeacherShare,
		SLMFirstTokenTimeout: 2 * time.Second, SLMTotalTimeout: 30 * time.Second,
		ScaleToZeroAfter: 10 * time.Minute,
		Capture:          true, AutoTrain: true, AutoDeploy: true,
		Fingerprint: FingerprintAuto, RetentionDays: DefaultRetentionDays,
	}
}

// Providers are those that a training may name; "" is the platform's.
var Providers = []string{"", "local", "static", "runpod"}

// MaxTrainingDeadline is the longest that a training may be given.
const MaxTrainingDeadline = 30 * 24 * time.Hour

// MaxEndpointName is the longest name that leaves room for a release name.
const MaxEndpointName = 32

var endpointName = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

// Validate returns an Invalid error that names the first field that is wrong.
func (e Endpoint) Validate() error {
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	switch {
	case len(e.Name) > MaxEndpointName || !endpointName.MatchString(e.Name):
		return Errorf(Invalid, "name %q: use 1 to %d lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen", e.Name, MaxEndpointName)
	case e.Upstream == "":
		return Errorf(Invalid, "upstream is missing: name one of the configured upstreams")
	case e.UpstreamModel == "":
		return Errorf(Invalid, "upstreamModel is missing: name the upstream's model, e.g. gpt-4o-mini")
	case e.Metric != MetricAuto && e.Metric != MetricSimilarity && e.Metric != MetricExact:
		return Errorf(Invalid, "metric %q: use auto, similarity or exact", e.Metric)
	case e.Fingerprint != FingerprintAuto && e.Fingerprint != FingerprintFull && e.Fingerprint != FingerprintTools:
		return Errorf(Invalid, "fingerprint %q: use auto, full or tools", e.Fingerprint)
	case !share(e.Threshold):
		return Errorf(Invalid, "threshold %g: use a number from 0 to 1", e.Threshold)
	case !share(e.SLMShare):
		return Errorf(Invalid, "slmShare %g: use a number from 0 to 1", e.SLMShare)
	case !share(e.TeacherShare):
		return Errorf(Invalid, "teacherShare %g: use a number from 0 to 1", e.TeacherShare)
	case e.MinTrainPairs < 1 || e.MaxTrainPairs < e.MinTrainPairs:
		return Errorf(Invalid, "minTrainPairs %d, maxTrainPairs %d: use 1 ≤ min ≤ max", e.MinTrainPairs, e.MaxTrainPairs)
	case e.MinEvalPairs < 1 || e.MaxEvalPairs < e.MinEvalPairs:
		return Errorf(Invalid, "minEvalPairs %d, maxEvalPairs %d: use 1 ≤ min ≤ max", e.MinEvalPairs, e.MaxEvalPairs)
	case e.SLMFirstTokenTimeout <= 0 || e.SLMTotalTimeout < e.SLMFirstTokenTimeout:
		return Errorf(Invalid, "slmFirstTokenTimeout %s, slmTotalTimeout %s: use 0 < first ≤ total", e.SLMFirstTokenTimeout, e.SLMTotalTimeout)
	case e.ScaleToZeroAfter < 0:
		return Errorf(Invalid, "scaleToZeroAfter %s: use 0 (never) or more", e.ScaleToZeroAfter)
	case !slices.Contains(Providers, e.Provider):
		return Errorf(Invalid, "provider %q: use local, static, runpod, or nothing for the platform's", e.Provider)
	case e.MaxCostUSD < 0:
		return Errorf(Invalid, "maxCostUSD %g: use 0 (the platform's) or more", e.MaxCostUSD)
	case e.TrainingDeadline < 0 || e.TrainingDeadline > MaxTrainingDeadline:
		return Errorf(Invalid, "deadlineSeconds %.0f: use 0 (the platform's) to %.0f", e.TrainingDeadline.Seconds(), MaxTrainingDeadline.Seconds())
	case len(e.GPUCandidates) > 0 && slices.Contains(e.GPUCandidates, ""):
		return Errorf(Invalid, "gpuCandidates: one of them is empty")
	case e.RetentionDays < 1:
		return Errorf(Invalid, "retentionDays %d: use at least 1", e.RetentionDays)
	}
	base, err := FindBase(e.Base)
	if err != nil {
		return err
	}
	if !base.Verified() {
		return Errorf(Invalid, "base %s was not tried here and the catalogue has no sha256 of its files, so they could not be checked: give them in a list of your own, UNDERSTUDY_BASES_FILE", base.Name)
	}
	return e.Hyperparameters.Validate()
}

// UpstreamKind names the wire format that an upstream speaks.
type UpstreamKind string

const (
	UpstreamOpenAI    UpstreamKind = "openai"
	UpstreamAnthropic UpstreamKind = "anthropic"
)

// Upstream is an LLM provider.
type Upstream struct {
	Name            string
	Kind            UpstreamKind
	BaseURL         string // ends before /chat/completions, e.g. https://api.openai.com/v1
	Key             string // secret; never stored in the database
	NoStreamOptions bool   // does not know stream_options
	Default         bool   // takes models that are no endpoint
	Prices          map[string]Price
}

// Price is a list price in US dollars a million tokens.
type Price struct {
	Input  float64
	Output float64
}

// Cost returns the dollars that a request costs at list price, 0 where the
// model has none.
func (u Upstream) Cost(model string, tokensIn, tokensOut int) float64 {
	p := u.Prices[model]
	return (float64(tokensIn)*p.Input + float64(tokensOut)*p.Output) / 1e6
}
