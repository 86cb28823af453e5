package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// Store is the database as the lifecycle uses it. Methods that take an epoch
// return understudy.ErrStale where another leader has come, or the row is no
// longer the one that was read.
type Store interface {
	modelStore
	stage
	dataSets
	exams
	endpoints
	replicas
	Epoch(ctx context.Context) (int64, error)
	AppendEvent(ctx context.Context, e understudy.Event) error
	PruneEvents(ctx context.Context, keep int64) error
}

type modelStore interface {
	Model(ctx context.Context, id string) (understudy.Model, error)
	Models(ctx context.Context, f understudy.ModelFilter) ([]understudy.Model, error)
	CreateModel(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error)
	Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, mutate func(*understudy.Model)) (understudy.Model, error)
	Save(ctx context.Context, epoch int64, m understudy.Model, mutate func(*understudy.Model)) (understudy.Model, error)
}

type stage interface {
	TakeStage(ctx context.Context, epoch int64, m understudy.Model, maxDeployments int) (understudy.Model, bool, error)
	CutOver(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error)
}

type dataSets interface {
	Tasks(ctx context.Context, endpoint string) (full, tools []string, err error)
	NotePromptVaries(ctx context.Context, epoch int64, endpoint, message string) error
	Freeze(ctx context.Context, epoch int64, m understudy.Model, size understudy.DataSize, tools bool, mode understudy.FingerprintMode) (understudy.Model, error)
	FrozenBroken(ctx context.Context, modelID string) (bool, error)
	EachFrozen(ctx context.Context, modelID string, split understudy.Split, f func(understudy.Pair) error) error
}

type exams interface {
	StartEvaluation(ctx context.Context, epoch int64, modelID string, attempt, baseSample int) error
	EvalPrompts(ctx context.Context, modelID string, attempt int, after int64, limit int) (prompts []understudy.EvalPrompt, total, remaining int, err error)
	EvalAnswers(ctx context.Context, modelID string, attempt int) ([]understudy.EvalAnswer, error)
	PutScores(ctx context.Context, modelID string, attempt int, answers []understudy.EvalAnswer) error
	PutEvaluation(ctx context.Context, epoch int64, e understudy.Evaluation) error
}

type endpoints interface {
	Endpoint(ctx context.Context, name string) (understudy.Endpoint, error)
	Endpoints(ctx context.Context) ([]understudy.Endpoint, error)
	DeletedEndpoints(ctx context.Context) ([]understudy.Endpoint, error)
	PurgeEndpoint(ctx context.Context, epoch int64, name string) error
	Counters(ctx context.Context, endpoint string) (understudy.Counters, error)
	TeachingSince(ctx context.Context, endpoint, afterPairID string) (train, eval int64, err error)
	PrunePairs(ctx context.Context, endpoint string, before time.Time, limit int) (int64, error)
}

type replicas interface {
	LiveReplicas(ctx context.Context, now time.Time) ([]understudy.Replica, error)
	RouteGeneration(ctx context.Context) (int64, error)
	Activity(ctx context.Context, endpoint string) ([]understudy.Activity, error)
}

// Trainer trains. Its errors carry a code: Unavailable is worth another try.
type Trainer interface {
	// Put orders a training; repeating an order is no error.
	Put(ctx context.Context, o understudy.TrainingOrder) (understudy.TrainingJob, error)
	// Get returns a job, or NotFound.
	Get(ctx context.Context, id string) (understudy.TrainingJob, error)
	// Delete cancels a job that runs, and removes one that is finished.
	Delete(ctx context.Context, id string) error
	// Manifest reads the artefact manifest.json by its sha256.
	Manifest(ctx context.Context, sha256 string) (understudy.Manifest, error)
}

// Evaluator compares answers and embeds texts; results are in order.
type Evaluator interface {
	Score(ctx context.Context, pairs []understudy.Comparison) ([]understudy.Likeness, error)
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}
