package httpapi

import (
	"context"
	"io"
	"time"

	understudy "understudy.dev/backend"
)

// Store is the database, as far as this package goes.
type Store interface {
	endpointStore
	pairStore
	modelStore
	evaluationStore
	keyStore
	eventStore
	platformStore
}

type endpointStore interface {
	CreateEndpoint(ctx context.Context, e understudy.Endpoint) (understudy.Endpoint, error)
	Endpoint(ctx context.Context, name string) (understudy.Endpoint, error)
	Endpoints(ctx context.Context) ([]understudy.Endpoint, error)
	UpdateEndpoint(ctx context.Context, name string, change func(*understudy.Endpoint) error) (understudy.Endpoint, error)
	DeleteEndpoint(ctx context.Context, name string) error
}

type pairStore interface {
	InsertPairs(ctx context.Context, pairs []understudy.Pair) error
	Pair(ctx context.Context, id string) (understudy.Pair, error)
	Pairs(ctx context.Context, f understudy.PairFilter) (pairs []understudy.Pair, next string, err error)
	DeletePair(ctx context.Context, id string) error
	DeleteUserPairs(ctx context.Context, endpoint, user string) (int64, error)
	Counters(ctx context.Context, endpoint string) (understudy.Counters, error)
	CountersAll(ctx context.Context) (map[string]understudy.Counters, error)
	TeachingSince(ctx context.Context, endpoint, afterPairID string) (train, eval int64, err error)
	Shadows(ctx context.Context, pairs []string) (map[string]string, error)
	OtherSide(ctx context.Context, p understudy.Pair) (understudy.Pair, error)
	Seen(ctx context.Context, endpoint string, since time.Time, limit int) ([]understudy.Seen, error)
	Days(ctx context.Context, endpoint string, since time.Time) ([]understudy.DayFacts, error)
	Samples(ctx context.Context, endpoint string) (understudy.Metric, []understudy.Sample, error)
}

type modelStore interface {
	CreateModel(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error)
	Model(ctx context.Context, id string) (understudy.Model, error)
	ModelByVersion(ctx context.Context, endpoint string, version int) (understudy.Model, error)
	Models(ctx context.Context, f understudy.ModelFilter) ([]understudy.Model, error)
	Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, mutate func(*understudy.Model)) (understudy.Model, error)
	Save(ctx context.Context, epoch int64, m understudy.Model, mutate func(*understudy.Model)) (understudy.Model, error)
	WriteDataset(ctx context.Context, modelID string, w io.Writer) error
}

type evaluationStore interface {
	ExamPairs(ctx context.Context, modelID string) (int64, error)
	Evaluations(ctx context.Context, modelID string) ([]understudy.Evaluation, error)
	EvalPrompts(ctx context.Context, modelID string, attempt int, after int64, limit int) (prompts []understudy.EvalPrompt, total, remaining int, err error)
	EvalAnswers(ctx context.Context, modelID string, attempt int) ([]understudy.EvalAnswer, error)
	EvalScores(ctx context.Context, modelID string, attempt int, variant string) ([]understudy.EvalAnswer, error)
	PutAnswers(ctx context.Context, modelID string, attempt int, answers []understudy.EvalAnswer) error
}

type keyStore interface {
	CreateKey(ctx context.Context, k understudy.Key) (understudy.Key, error)
	Keys(ctx context.Context) ([]understudy.Key, error)
	DeleteKey(ctx context.Context, id string) error
}

type eventStore interface {
	AppendEvent(ctx context.Context, e understudy.Event) error
	Events(ctx context.Context, after int64, limit int) ([]understudy.Event, error)
	EventsBefore(ctx context.Context, f understudy.EventFilter, before int64, limit int) ([]understudy.Event, error)
	EventsAfter(ctx context.Context, f understudy.EventFilter, after int64, limit int) ([]understudy.Event, error)
	LastEvent(ctx context.Context) (int64, error)
}

type platformStore interface {
	Bypass(ctx context.Context) (bool, error)
	SetBypass(ctx context.Context, on bool) error
	RouteGeneration(ctx context.Context) (int64, error)
	LiveReplicas(ctx context.Context, now time.Time) ([]understudy.Replica, error)
}
