package understudy

import (
	"slices"
	"time"
)

// Phase is where a model is in its life.
type Phase string

const (
	Training      Phase = "training"
	Downloading   Phase = "downloading"
	LLMEvaluation Phase = "llm_evaluation"
	Available     Phase = "available"
	Deploying     Phase = "deploying"
	Deployed      Phase = "deployed"
	Failed        Phase = "failed"
	Retired       Phase = "retired"
)

var phaseNames = map[Phase]string{
	Training: "Training", Downloading: "Downloading", LLMEvaluation: "LLM Evaluation", Available: "Available",
	Deploying: "Deploying", Deployed: "Deployed", Failed: "Failed", Retired: "Retired",
}

// Phases returns every phase, in the order of a model's life.
func Phases() []Phase {
	return []Phase{Training, Downloading, LLMEvaluation, Available, Deploying, Deployed, Failed, Retired}
}

// String returns the phase as a person reads it.
func (p Phase) String() string { return phaseNames[p] }

// Active reports whether work goes on by itself in this phase.
func (p Phase) Active() bool {
	return slices.Contains([]Phase{Training, Downloading, LLMEvaluation, Deploying}, p)
}

// Trigger says what may cause a transition.
type Trigger string

const (
	Progress  Trigger = "progress"  // the phase's work is done
	Failure   Trigger = "failure"   // the phase's work cannot be done
	Evaluate  Trigger = "evaluate"  // a person asks for another verdict
	Deploy    Trigger = "deploy"    // a person or autoDeploy
	Undeploy  Trigger = "undeploy"  // a person
	Replaced  Trigger = "replaced"  // a newer version took the stage
	Retry     Trigger = "retry"     // a person
	Retire    Trigger = "retire"    // a person, or the endpoint's deletion
	Withdrawn Trigger = "withdrawn" // the endpoint is being deleted
)

// transitions is the one table of what may happen to a model. retry leads back
// to the phase that failed, which the table cannot name: see Next.
var transitions = map[Phase]map[Trigger]Phase{
	Training:      {Progress: Downloading, Failure: Failed, Withdrawn: Failed},
	Downloading:   {Progress: LLMEvaluation, Failure: Failed, Withdrawn: Failed},
	LLMEvaluation: {Progress: Available, Failure: Failed, Withdrawn: Failed},
	Available:     {Evaluate: LLMEvaluation, Deploy: Deploying, Retire: Retired},
	Deploying:     {Progress: Deployed, Failure: Available, Undeploy: Available, Withdrawn: Available},
	Deployed:      {Undeploy: Available, Replaced: Available, Failure: Available, Withdrawn: Available},
	Failed:        {Retire: Retired},
	Retired:       {},
}

// Next returns the phase that trigger leads to from m's phase, or a Conflict
// error that says what is possible instead.
func (m Model) Next(t Trigger) (Phase, error) {
	if m.Phase == Failed && t == Retry && m.FailedPhase != "" {
		return m.FailedPhase, nil
	}
	if to, ok := transitions[m.Phase][t]; ok {
		return to, nil
	}
	return "", Errorf(Conflict, "%s is %s: %s is not possible now", m.Name(), m.Phase, t)
}

// After returns the model as trigger leaves it, or Next's error: phase and its
// time, failed phase, and for retry and evaluate the next attempt.
func (m Model) After(t Trigger, now time.Time) (Model, error) {
	to, err := m.Next(t)
	if err != nil {
		return Model{}, err
	}
	from := m.Phase
	m.Phase, m.PhaseSince, m.FailedPhase = to, now, ""
	switch {
	case to == Failed:
		m.FailedPhase = from
	case t == Retry || t == Evaluate:
		m.Attempt++
		m.Reason = ""
	}
	return m, nil
}

// Verdict is what the gate said.
type Verdict string

const (
	VerdictNone    Verdict = ""
	VerdictPassed  Verdict = "passed"
	VerdictRefused Verdict = "refused"
)

// TargetState is where a person (or autoDeploy) wants a model to be.
type TargetState string

const (
	TargetNone     TargetState = ""         // wherever it gets by itself
	TargetDeployed TargetState = "deployed" // waits for a slot if there is none
)

// Model is version n of an endpoint's SLM.
type Model struct {
	ID       string // UUIDv7
	Endpoint string
	Version  int // never reused
	Base     string

	Phase       Phase
	Attempt     int // raised by retry and evaluate; names jobs and evaluations
	FailedPhase Phase
	Reason      string // one sentence a user can act on: why it failed, waits or was refused
	Target      TargetState
	Forced      bool   // deployed by a person although the gate refused
	ForcedBy    string // who
	AutoTried   bool   // autoDeploy has taken it once

	Hyperparameters Hyperparameters
	TrainPairs      int
	EvalPairs       int
	DatasetSHA256   string
	DataFrozenAt    *time.Time
	TaskMode        FingerprintMode // what told tasks apart when the data set was frozen: full or tools
	Fingerprints    []string        // tasks with at least MinFingerprintPairs pairs
	JSONTasks       []string        // those of them whose answers were JSON nearly always
	Artifacts       []Artifact
	Training        TrainingRecord
	Verdict         Verdict
	VerdictAttempts int // how many verdicts there were

	Release         string
	ReleaseDigest   string
	Revision        int
	Replicas        int // wanted by the lifecycle: 0 asleep, else at least 1
	SleptAt         *time.Time
	DrainingSince   *time.Time // replaced; its release goes when nobody uses it
	DrainGeneration int64      // route generation that every replica must have acknowledged
	ServedSince     *time.Time
	DeployStarted   *time.Time

	Generation int64 // raised by every write
	CreatedAt  time.Time
	UpdatedAt  time.Time
	PhaseSince time.Time
}

// MinFingerprintPairs is how many pairs of a task a model must have been
// trained on to serve it.
const MinFingerprintPairs = 10

// Name is how people call the model: endpoint-v3.
func (m Model) Name() string { return m.Endpoint + "-v" + itoa(m.Version) }

// Artifact finds an artefact by name.
func (m Model) Artifact(name string) (Artifact, bool) {
	i := slices.IndexFunc(m.Artifacts, func(a Artifact) bool { return a.Name == name })
	if i < 0 {
		return Artifact{}, false
	}
	return m.Artifacts[i], true
}

// Artifact is a file that training made.
type Artifact struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Names of the artefacts.
const (
	ArtifactAdapter  = "adapter.gguf"
	ArtifactManifest = "manifest.json"
)

// TrainingRecord is what is kept of a model's trainings: how the last one went,
// and what each of them cost.
type TrainingRecord struct {
	Attempt         int // whose job it tells of; 0 before there was one
	Step, Steps     int
	Stage           string
	Loss            float64
	EvalLoss        float64
	EvalExact       float64 // share of the validation part that it would answer word for word
	BestStep        int     // whose weights are the best so far
	ResumedStep     int     // of the checkpoint that it went on from, 0 = it began at the beginning
	TokensPerSecond float64
	ETASeconds      float64
	Provider        string
	GPU             string
	GPUUse          GPUUse // when it was last heard of
	StoppedEarly    bool
	StartedAt       *time.Time
	EndedAt         *time.Time
	LossCurve       []CurvePoint
	EvalLossCurve   []CurvePoint
	EvalExactCurve  []CurvePoint
	Notes           []string // what happened on the way that a person should know, with the time (UTC)
	Manifest        Manifest // zero until the artefacts are here
	Rentals         []Rental // by attempt; empty where nothing was rented
}

// GPUUse is how much of its GPU a training uses; zero on a CPU.
type GPUUse struct {
	MemoryUsedBytes, MemoryTotalBytes int64
	Utilization                       int // percent
}

// Manifest is what the agent says of the training that made the artefacts.
type Manifest struct {
	BaseSHA256      string          // of the weights that were trained
	DatasetSHA256   string          // of the lines that were trained on
	Pairs           int             // in the data set
	Used, Skipped   int             // of them
	Validation      int             // of those used: set apart to tell when nothing gets better any more
	SkippedBecause  map[string]int  // reason → pairs
	Hyperparameters Hyperparameters // in force, the agent's defaults filled in
	Seed            int             // of everything random
	Seconds         float64         // that the training took
	Steps           int
	BestStep        int      // whose weights the adapter has
	Exact           *float64 // share of the validation part that it would answer word for word; nil where nothing was set apart
	StopReason      string   // steps (all were done), deadline, validation (nothing got better any more)
	Tokens          int64    // trained on, repetitions included
	TokensPerSecond float64
	Device          string // what it was trained on
	Loss            []CurvePoint
	EvalLoss        []CurvePoint
	EvalExact       []CurvePoint
}

// CurvePoint is a value at a training step.
type CurvePoint struct {
	Step  int     `json:"step"`
	Value float64 `json:"value"`
}
