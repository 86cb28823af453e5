package understudy

import "time"

// TrainingOrder is what the trainer is asked to do. One ID always means the
// same order.
type TrainingOrder struct {
	ID              string // JobName
	Base            Base
	DatasetURL      string // where the trainer reads the frozen pairs
	DatasetSHA256   string
	Pairs           int
	Hyperparameters Hyperparameters
	Provider        string
	Deadline        time.Duration
	MaxCostUSD      float64 // 0 = no limit
	GPUCandidates   []string
	Image           string
}

// JobState is where a training job stands at the trainer.
type JobState string

const (
	JobQueued       JobState = "queued"
	JobProvisioning JobState = "provisioning"
	JobTraining     JobState = "training"
	JobDownloading  JobState = "downloading"
	JobSucceeded    JobState = "succeeded"
	JobFailed       JobState = "failed"
	JobCancelled    JobState = "cancelled"
)

// Finished reports whether nothing follows.
func (s JobState) Finished() bool {
	return s == JobSucceeded || s == JobFailed || s == JobCancelled
}

// TrainingJob is a job as the trainer sees it.
type TrainingJob struct {
	ID           string
	State        JobState
	Stage        string // what the agent does: loading, training, converting
	Step, Steps  int
	Loss         float64
	EvalLoss     float64
	TokensPerSec float64
	ETASeconds   float64
	EvalExact    float64 // share of the validation part that it would answer word for word
	BestStep     int     // whose weights are the best so far
	ResumedStep  int     // of the checkpoint that it went on from, 0 = it began at the beginning
	GPUUse       GPUUse
	Provider     string
	GPU          string
	CostUSD      float64       // price × time of every machine so far
	Rented       time.Duration // of every machine so far
	Machine      string        // the provider's name of it
	Where        string        // the data centre
	Machines     int           // rented so far
	BilledUSD    *float64      // by the provider's bill; nil while it is not known
	Settled      bool          // nothing of the cost changes any more
	Artifacts    []Artifact    // verified and pulled once State is succeeded
	StoppedEarly bool
	Error        string   // why it failed, for a person
	Waiting      string   // what an unfinished job waits for, else what happened last on its way
	Notes        []string // what happened on its way that a person should know, with the time (UTC)
}

// Adapter reports whether the job holds an adapter that can be served.
func (j TrainingJob) Adapter() bool {
	for _, a := range j.Artifacts {
		if a.Name == ArtifactAdapter {
			return j.State == JobSucceeded
		}
	}
	return false
}

// Comparison is a pair of canonical answers, to be scored.
type Comparison struct {
	ID               string
	Expected, Actual string
}

// DataSize is how many pairs a data set has: at most so many to learn from, and
// at most so many for the exam, MinEval of them even where they have to share
// conversations.
type DataSize struct{ MaxTrain, MinEval, MaxEval int }

// Sample is one request that both answered.
type Sample struct {
	ID       string // of the SLM's pair
	LLM, SLM Answer
}

// Likeness is what the evaluator says of a comparison.
type Likeness struct {
	Similarity float64 // cosine clipped to [0,1]
	Exact      bool
}
