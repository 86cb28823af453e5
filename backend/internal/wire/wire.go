// Package wire has the shapes of the management API, /api/v1: what the server
// answers and what its clients read. Durations are in seconds, times RFC 3339.
package wire

import (
	"time"

	understudy "understudy.dev/backend"
)

// Endpoint as the API shows it.
type Endpoint struct {
	Name                        string                     `json:"name" doc:"What clients send as model" pattern:"^[a-z]([a-z0-9-]*[a-z0-9])?$" maxLength:"32"`
	Upstream                    string                     `json:"upstream" doc:"Name of the upstream that is the teacher"`
	UpstreamModel               string                     `json:"upstreamModel" doc:"The upstream's model"`
	Base                        string                     `json:"base" doc:"Base SLM of the catalogue"`
	Metric                      string                     `json:"metric" enum:"auto,similarity,exact"`
	Threshold                   float64                    `json:"threshold" minimum:"0" maximum:"1"`
	MinTrainPairs               int                        `json:"minTrainPairs"`
	MinEvalPairs                int                        `json:"minEvalPairs"`
	MaxTrainPairs               int                        `json:"maxTrainPairs"`
	MaxEvalPairs                int                        `json:"maxEvalPairs"`
	SLMShare                    float64                    `json:"slmShare"`
	TeacherShare                float64                    `json:"teacherShare"`
	SLMFirstTokenTimeoutSeconds float64                    `json:"slmFirstTokenTimeoutSeconds"`
	SLMTotalTimeoutSeconds      float64                    `json:"slmTotalTimeoutSeconds"`
	ScaleToZeroAfterSeconds     float64                    `json:"scaleToZeroAfterSeconds" doc:"0 = never"`
	Capture                     bool                       `json:"capture"`
	AutoTrain                   bool                       `json:"autoTrain"`
	AutoDeploy                  bool                       `json:"autoDeploy"`
	Bypass                      bool                       `json:"bypass" doc:"Everything goes to the LLM"`
	Fingerprint                 string                     `json:"fingerprint" enum:"auto,full,tools" doc:"What tells tasks apart: system messages, tools and response_format (full), the latter two alone (tools), or full until most requests bring a system prompt of their own (auto)"`
	FingerprintInForce          string                     `json:"fingerprintInForce" enum:"full,tools" readOnly:"true"`
	RetentionDays               int                        `json:"retentionDays"`
	Provider                    string                     `json:"provider,omitempty" doc:"Training provider; empty: the platform's"`
	MaxCostUSD                  float64                    `json:"maxCostUSD" minimum:"0" doc:"Of one training; it ends with what was reached. 0: the platform's limit"`
	DeadlineSeconds             float64                    `json:"deadlineSeconds" minimum:"0" doc:"Of one training; it ends with what was reached. 0: the platform's limit"`
	GPUCandidates               []string                   `json:"gpuCandidates" nullable:"false" doc:"GPUs to rent, the one wanted most first; empty: the trainer's choice"`
	Hyperparameters             understudy.Hyperparameters `json:"hyperparameters"`
	Counters                    Counters                   `json:"counters" readOnly:"true"`
	CreatedAt                   time.Time                  `json:"createdAt" readOnly:"true"`
	UpdatedAt                   time.Time                  `json:"updatedAt" readOnly:"true"`
}

// EndpointInput creates or changes an endpoint: fields that are absent keep
// their default or their value.
type EndpointInput struct {
	Name                        string                      `json:"name,omitempty" required:"false"`
	Upstream                    *string                     `json:"upstream,omitempty" doc:"Absent: the default upstream"`
	UpstreamModel               *string                     `json:"upstreamModel,omitempty"`
	Base                        *string                     `json:"base,omitempty"`
	Metric                      *string                     `json:"metric,omitempty"`
	Threshold                   *float64                    `json:"threshold,omitempty"`
	MinTrainPairs               *int                        `json:"minTrainPairs,omitempty"`
	MinEvalPairs                *int                        `json:"minEvalPairs,omitempty"`
	MaxTrainPairs               *int                        `json:"maxTrainPairs,omitempty"`
	MaxEvalPairs                *int                        `json:"maxEvalPairs,omitempty"`
	SLMShare                    *float64                    `json:"slmShare,omitempty"`
	TeacherShare                *float64                    `json:"teacherShare,omitempty"`
	SLMFirstTokenTimeoutSeconds *float64                    `json:"slmFirstTokenTimeoutSeconds,omitempty"`
	SLMTotalTimeoutSeconds      *float64                    `json:"slmTotalTimeoutSeconds,omitempty"`
	ScaleToZeroAfterSeconds     *float64                    `json:"scaleToZeroAfterSeconds,omitempty"`
	Capture                     *bool                       `json:"capture,omitempty"`
	AutoTrain                   *bool                       `json:"autoTrain,omitempty"`
	AutoDeploy                  *bool                       `json:"autoDeploy,omitempty"`
	Bypass                      *bool                       `json:"bypass,omitempty"`
	Fingerprint                 *string                     `json:"fingerprint,omitempty"`
	RetentionDays               *int                        `json:"retentionDays,omitempty"`
	Provider                    *string                     `json:"provider,omitempty"`
	MaxCostUSD                  *float64                    `json:"maxCostUSD,omitempty"`
	DeadlineSeconds             *float64                    `json:"deadlineSeconds,omitempty"`
	GPUCandidates               *[]string                   `json:"gpuCandidates,omitempty"`
	Hyperparameters             *understudy.Hyperparameters `json:"hyperparameters,omitempty"`
}

// Counters of an endpoint's pairs.
type Counters struct {
	Pairs     int64   `json:"pairs"`
	Train     int64   `json:"train"`
	Eval      int64   `json:"eval"`
	LLM       int64   `json:"llm"`
	SLM       int64   `json:"slm"`
	Fallbacks int64   `json:"fallbacks"`
	Broken    int64   `json:"broken"`
	TokensIn  int64   `json:"tokensIn"`
	TokensOut int64   `json:"tokensOut"`
	CostUSD   float64 `json:"costUSD" doc:"Of the LLM's answers, at list price"`
	SavedUSD  float64 `json:"savedUSD" doc:"What the SLM's answers would have cost, at list price"`
}

// Pair as the API shows it.
type Pair struct {
	ID           string            `json:"id"`
	Endpoint     string            `json:"endpoint"`
	User         string            `json:"user,omitempty"`
	Request      any               `json:"request"`
	Answer       understudy.Answer `json:"answer"`
	Source       string            `json:"source"`
	ModelID      string            `json:"modelId,omitempty"`
	Reason       string            `json:"reason"`
	TeacherPair  string            `json:"teacherPair,omitempty"`
	Split        string            `json:"split"`
	Fingerprint  string            `json:"fingerprint"`
	TokensIn     int               `json:"tokensIn"`
	TokensOut    int               `json:"tokensOut"`
	Counted      bool              `json:"counted" doc:"Tokens were counted by the server, else estimated"`
	LatencyMs    float64           `json:"latencyMs"`
	FirstTokenMs float64           `json:"firstTokenMs"`
	CostUSD      float64           `json:"costUSD"`
	Complete     bool              `json:"complete"`
	ShadowID     string            `json:"shadowId,omitempty" doc:"Pair of the other side's answer, where both answered this request"`
	Truncated    bool              `json:"truncated,omitempty" doc:"This is an entry of a list and its texts are cut; the pair by itself is whole"`
	CreatedAt    time.Time         `json:"createdAt"`
}

// Model as the API shows it.
type Model struct {
	ID              string                     `json:"id"`
	Name            string                     `json:"name" doc:"endpoint-vN"`
	Endpoint        string                     `json:"endpoint"`
	Version         int                        `json:"version"`
	Base            string                     `json:"base"`
	Phase           string                     `json:"phase"`
	PhaseName       string                     `json:"phaseName"`
	PhaseSince      time.Time                  `json:"phaseSince"`
	Attempt         int                        `json:"attempt"`
	FailedPhase     string                     `json:"failedPhase,omitempty"`
	Reason          string                     `json:"reason,omitempty"`
	Target          string                     `json:"target,omitempty"`
	Forced          bool                       `json:"forced"`
	ForcedBy        string                     `json:"forcedBy,omitempty"`
	Verdict         string                     `json:"verdict,omitempty"`
	TrainPairs      int                        `json:"trainPairs"`
	EvalPairs       int                        `json:"evalPairs"`
	DatasetSHA256   string                     `json:"datasetSha256,omitempty"`
	TaskMode        string                     `json:"taskMode" doc:"What told tasks apart when its data set was frozen: full or tools"`
	Fingerprints    []string                   `json:"fingerprints"`
	Hyperparameters understudy.Hyperparameters `json:"hyperparameters"`
	Artifacts       []understudy.Artifact      `json:"artifacts"`
	Training        Training                   `json:"training"`
	Release         string                     `json:"release,omitempty"`
	Revision        int                        `json:"revision,omitempty"`
	Replicas        int                        `json:"replicas"`
	Asleep          bool                       `json:"asleep"`
	Draining        bool                       `json:"draining"`
	ServedSince     *time.Time                 `json:"servedSince,omitempty"`
	CreatedAt       time.Time                  `json:"createdAt"`
	UpdatedAt       time.Time                  `json:"updatedAt"`
}

// Training is how a training goes or went.
type Training struct {
	Attempt         int                     `json:"attempt,omitempty" doc:"Of the model: the training that this tells of"`
	Stage           string                  `json:"stage,omitempty"`
	Step            int                     `json:"step"`
	Steps           int                     `json:"steps"`
	Loss            float64                 `json:"loss"`
	EvalLoss        float64                 `json:"evalLoss,omitempty" doc:"Of the validation part of the train split, when it was last looked at"`
	EvalExact       float64                 `json:"evalExact,omitempty" doc:"Share (0 to 1) of the validation part that it would answer word for word, when it was last looked at"`
	BestStep        int                     `json:"bestStep,omitempty" doc:"Step whose weights are the best so far by the validation part"`
	ResumedStep     int                     `json:"resumedStep,omitempty" doc:"Step of the checkpoint that it went on from; absent where it began at the beginning"`
	TokensPerSecond float64                 `json:"tokensPerSecond" doc:"Tokens trained on in a second, lately"`
	ETASeconds      float64                 `json:"etaSeconds" doc:"Seconds until its last step"`
	Provider        string                  `json:"provider,omitempty"`
	GPU             string                  `json:"gpu,omitempty"`
	Where           string                  `json:"where,omitempty" doc:"Data centre of the rented machine"`
	GPUUse          *GPUUse                 `json:"gpuUse,omitempty" doc:"When it was last heard of; absent on a CPU"`
	CostUSD         float64                 `json:"costUSD" doc:"US dollars paid for rented machines, of all of the model's trainings; 0 where nothing was rented"`
	CostBasis       string                  `json:"costBasis,omitempty" enum:"estimate,bill" doc:"bill: the provider's, of every machine; estimate: price times time so far. Absent where nothing was rented"`
	RentedSeconds   float64                 `json:"rentedSeconds,omitempty" doc:"Seconds that machines were rented, all of them together"`
	Rentals         []Rental                `json:"rentals,omitempty" doc:"What costUSD is made of: a training each"`
	StoppedEarly    bool                    `json:"stoppedEarly" doc:"Its deadline or budget ended it, with what was reached"`
	StartedAt       *time.Time              `json:"startedAt,omitempty"`
	EndedAt         *time.Time              `json:"endedAt,omitempty"`
	Notes           []string                `json:"notes,omitempty" doc:"What happened on its way that a person should know, such as a lost machine, each with its time (UTC)"`
	LossCurve       []understudy.CurvePoint `json:"lossCurve,omitempty" doc:"Of a model by itself; lists leave the curves out"`
	EvalLossCurve   []understudy.CurvePoint `json:"evalLossCurve,omitempty" doc:"Loss of the validation part by step"`
	EvalExactCurve  []understudy.CurvePoint `json:"evalExactCurve,omitempty" doc:"Share (0 to 1) of the validation part answered word for word, by step"`
	Manifest        *Manifest               `json:"manifest,omitempty" doc:"What the agent wrote of the training; absent until the artefacts are here"`
}

// What a cost rests on.
const (
	Bill     = "bill"
	Estimate = "estimate"
)

// GPUUse is how much of its GPU a training uses.
type GPUUse struct {
	MemoryUsedBytes  int64 `json:"memoryUsedBytes"`
	MemoryTotalBytes int64 `json:"memoryTotalBytes"`
	Utilization      int   `json:"utilization" doc:"Percent"`
}

// Rental is what one training paid for machines.
type Rental struct {
	Attempt       int        `json:"attempt" doc:"Of the model"`
	Provider      string     `json:"provider"`
	Machine       string     `json:"machine" doc:"The provider's name of the last one, a pod's id"`
	GPU           string     `json:"gpu"`
	Where         string     `json:"where,omitempty" doc:"Its data centre"`
	Machines      int        `json:"machines" doc:"How many were rented one after the other"`
	RentedSeconds float64    `json:"rentedSeconds" doc:"Of all of them together"`
	CostUSD       float64    `json:"costUSD" doc:"US dollars: the bill once that is whole, else the estimate"`
	CostBasis     string     `json:"costBasis" enum:"estimate,bill"`
	EstimateUSD   float64    `json:"estimateUSD" doc:"Price times time of every machine"`
	BilledUSD     *float64   `json:"billedUSD,omitempty" doc:"By the provider's bill; absent while that does not know every machine"`
	Settled       bool       `json:"settled" doc:"Nothing of it changes any more; a bill may change until two hours after the end"`
	EndedAt       *time.Time `json:"endedAt,omitempty"`
}

// Manifest is what made the adapter.
type Manifest struct {
	BaseSHA256      string                     `json:"baseSha256" doc:"Of the weights that were trained"`
	DatasetSHA256   string                     `json:"datasetSha256"`
	Pairs           int                        `json:"pairs,omitempty" doc:"In the data set"`
	UsedPairs       int                        `json:"usedPairs"`
	ValidationPairs int                        `json:"validationPairs" doc:"Of those used: set apart to tell when nothing gets better any more"`
	SkippedPairs    int                        `json:"skippedPairs" doc:"Could not teach, see skippedBecause"`
	SkippedBecause  map[string]int             `json:"skippedBecause,omitempty" doc:"Pairs by the reason why they were left out, such as too long for the sequence"`
	Hyperparameters understudy.Hyperparameters `json:"hyperparameters" doc:"In force, the defaults by data size filled in"`
	Seed            int                        `json:"seed"`
	Seconds         float64                    `json:"seconds" doc:"Of training alone"`
	Steps           int                        `json:"steps"`
	BestStep        int                        `json:"bestStep,omitempty" doc:"Step whose weights the adapter has"`
	EvalExact       *float64                   `json:"evalExact,omitempty" doc:"Share (0 to 1) of the validation part that the adapter would answer word for word; absent where nothing was set apart"`
	StopReason      string                     `json:"stopReason,omitempty" doc:"steps: all were done; deadline: time or budget was up; validation: nothing got better any more"`
	Tokens          int64                      `json:"tokens,omitempty" doc:"Trained on, repetitions included"`
	TokensPerSecond float64                    `json:"tokensPerSecond,omitempty" doc:"Over the whole training"`
	Device          string                     `json:"device,omitempty" doc:"What it was trained on"`
}

// Evaluation is a verdict and how it came about.
type Evaluation struct {
	ModelID       string    `json:"modelId"`
	Attempt       int       `json:"attempt"`
	Answered      int       `json:"answered" doc:"Answers so far, while it runs"`
	Total         int       `json:"total" doc:"Answers in all"`
	Metric        string    `json:"metric"`
	N             int       `json:"n"`
	Score         float64   `json:"score"`
	LowerBound    float64   `json:"lowerBound"`
	Alpha         float64   `json:"alpha"`
	Threshold     float64   `json:"threshold"`
	Verdict       string    `json:"verdict"`
	Reason        string    `json:"reason"`
	Words         string    `json:"words" doc:"In a person's words"`
	Identical     int       `json:"identical"`
	Close         int       `json:"close"`
	Different     int       `json:"different"`
	Errors        int       `json:"errors"`
	BaseN         int       `json:"baseN"`
	BaseScore     float64   `json:"baseScore"`
	ShuffledScore float64   `json:"shuffledScore"`
	LookupScore   float64   `json:"lookupScore"`
	NearN         int       `json:"nearN"`
	NearScore     float64   `json:"nearScore"`
	FarN          int       `json:"farN"`
	FarScore      float64   `json:"farScore"`
	MeanLatencyMs float64   `json:"meanLatencyMs"`
	Histogram     []Bin     `json:"histogram" doc:"Of the similarity of answers that are not identical: 20 bins over 0 to 1"`
	StartedAt     time.Time `json:"startedAt"`
	EndedAt       time.Time `json:"endedAt"`
}

// Bin is a part of a histogram.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// EvalAnswer is one answer of an evaluation beside the expected one.
type EvalAnswer struct {
	PairID     string   `json:"pairId"`
	Variant    string   `json:"variant"`
	Prompt     string   `json:"prompt" doc:"The last user message"`
	Expected   string   `json:"expected"`
	Actual     string   `json:"actual"`
	Similarity *float64 `json:"similarity,omitempty"`
	Exact      *bool    `json:"exact,omitempty"`
	Near       *bool    `json:"near,omitempty" doc:"A train prompt is nearly the same"`
	LatencyMs  float64  `json:"latencyMs"`
	Error      string   `json:"error,omitempty"`
}

// Key is a client key; Secret is there only when it was just made.
type Key struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Prefix          string    `json:"prefix"`
	DefaultEndpoint string    `json:"defaultEndpoint,omitempty"`
	Secret          string    `json:"secret,omitempty" doc:"Shown once, when the key is made"`
	CreatedAt       time.Time `json:"createdAt"`
}

// KeyInput makes a client key.
type KeyInput struct {
	Name            string `json:"name,omitempty"`
	DefaultEndpoint string `json:"defaultEndpoint,omitempty" doc:"Takes every request made with this key, whatever model it names"`
}

// Upstream without its secret.
type Upstream struct {
	Name    string                      `json:"name"`
	Kind    string                      `json:"kind"`
	BaseURL string                      `json:"baseURL"`
	Default bool                        `json:"default"`
	HasKey  bool                        `json:"hasKey"`
	Prices  map[string]understudy.Price `json:"prices,omitempty"`
}

// Status is what a monitor shows.
type Status struct {
	Version   string           `json:"version"`
	Mode      string           `json:"mode" doc:"local or kubernetes"`
	Bypass    bool             `json:"bypass"`
	Endpoints []EndpointStatus `json:"endpoints"`

	RequestsPerSecond float64 `json:"requestsPerSecond" doc:"Of all endpoints, in the last minute"`
	SavedUSD          float64 `json:"savedUSD" doc:"netUSD of the ledger's last 30 days"`

	Phases   map[string]int `json:"phases" doc:"Models by phase"`
	Replicas []Replica      `json:"replicas"`
	Releases []Release      `json:"releases"`
	Warnings []string       `json:"warnings"`

	DefaultThreshold float64 `json:"defaultThreshold" doc:"Threshold of a new endpoint that names none"`
}

// EndpointStatus is one endpoint at a glance.
type EndpointStatus struct {
	Name      string   `json:"name"`
	Phase     string   `json:"phase" doc:"Of the model on stage, else of the newest; empty: none yet"`
	Bypass    bool     `json:"bypass"`
	Counters  Counters `json:"counters"`
	SLMShare  float64  `json:"slmShare" doc:"Part of all answers that the SLM gave"`
	Agreement float64  `json:"agreement" doc:"How alike the SLM and the LLM answer sampled requests, by the metric of the model's exam: the part with the same answer (newest 500), or the mean similarity (newest 100)"`
	Sampled   int      `json:"sampled"`
	Model     *Model   `json:"model,omitempty" doc:"On stage, else the newest that is not retired"`
	Live      *Model   `json:"live,omitempty" doc:"Being trained, downloaded, examined or deployed now, with its progress"`

	SLMShareRecent    *float64 `json:"slmShareRecent,omitempty" doc:"As slmShare, in the last 15 minutes; absent where nobody asked"`
	SLMP50Ms          *float64 `json:"slmP50Ms,omitempty" doc:"Half of the SLM's answers in the last 15 minutes came within"`
	LLMP50Ms          *float64 `json:"llmP50Ms,omitempty"`
	RequestsPerSecond float64  `json:"requestsPerSecond" doc:"In the last minute"`
	SavedUSD          float64  `json:"savedUSD" doc:"netUSD of the ledger's last 30 days; counters.savedUSD is what was not spent, ever"`
}

// Replica is a live backend replica.
type Replica struct {
	ID              string    `json:"id"`
	RouteGeneration int64     `json:"routeGeneration"`
	SeenAt          time.Time `json:"seenAt"`
}

// Release is a Helm release of an SLM.
type Release struct {
	Name     string `json:"name"`
	Revision int    `json:"revision"`
	Status   string `json:"status"`
	Updated  string `json:"updated"`
}

// Event is a line of the diary.
type Event struct {
	ID       int64          `json:"id"`
	At       time.Time      `json:"at"`
	Kind     string         `json:"kind"`
	Endpoint string         `json:"endpoint,omitempty"`
	ModelID  string         `json:"modelId,omitempty"`
	Message  string         `json:"message"`
	Data     map[string]any `json:"data,omitempty"`
}

// Page is one page of a list; Next is the cursor of the next one, "" at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Bypass is the one switch.
type Bypass struct {
	Bypass bool `json:"bypass"`
}

// DeployInput asks for the stage.
type DeployInput struct {
	Force bool   `json:"force,omitempty" doc:"Although the gate refused"`
	By    string `json:"by,omitempty" doc:"Who forces it"`
}

// ImportResult is what came of an import.
type ImportResult struct {
	Imported int64        `json:"imported"`
	Broken   []BrokenLine `json:"broken" doc:"Lines that were not imported; at most 100 are named"`
	BrokenN  int64        `json:"brokenCount"`
}

// BrokenLine names a line of an import that is wrong.
type BrokenLine struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// Deleted says how many there were.
type Deleted struct {
	Deleted int64 `json:"deleted"`
}

// Base is a small model that can be trained and served.
type Base struct {
	Name          string   `json:"name"`
	Architecture  string   `json:"architecture"`
	Licence       string   `json:"licence"`
	ContextLength int      `json:"contextLength" doc:"Tokens that it is served with"`
	Tested        bool     `json:"tested"`
	Tools         bool     `json:"tools" doc:"Its chat template renders tools"`
	Verified      bool     `json:"verified" doc:"The sha256 of its files is known; others cannot be chosen"`
	Parameters    int64    `json:"parameters" doc:"Weights"`
	TargetModules []string `json:"targetModules" nullable:"false" doc:"Linear layers that LoRA may adapt"`
	Default       bool     `json:"default" doc:"Of endpoints that name none"`
}
