package database

import (
	"cmp"
	"time"

	understudy "understudy.dev/backend"
)

// modelRow has every column but frozen_broken, which its owner (deletion and
// Freeze) writes alone.
type modelRow struct {
	ID              string `gorm:"primaryKey"`
	Endpoint        string
	Version         int
	Base            string
	Phase           string
	Attempt         int
	FailedPhase     string
	Reason          string
	Target          string
	Forced          bool
	ForcedBy        string
	AutoTried       bool
	Hyperparameters string
	TrainPairs      int
	EvalPairs       int
	DatasetSHA256   string `gorm:"column:dataset_sha256"`
	DataFrozenAt    *time.Time
	TaskMode        string
	Fingerprints    string
	JSONTasks       string `gorm:"column:json_tasks"`
	Artifacts       string
	Training        string
	Verdict         string
	VerdictAttempts int
	Release         string
	ReleaseDigest   string
	Revision        int
	Replicas        int
	SleptAt         *time.Time
	DrainingSince   *time.Time
	DrainGeneration int64
	ServedSince     *time.Time
	DeployStarted   *time.Time
	Generation      int64
	CreatedAt       time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
	PhaseSince      time.Time
}

func (modelRow) TableName() string { return "models" }

func rowOfModel(m understudy.Model) modelRow {
	return modelRow{
		ID: m.ID, Endpoint: m.Endpoint, Version: m.Version, Base: m.Base,
		Phase: string(m.Phase), Attempt: m.Attempt, FailedPhase: string(m.FailedPhase), Reason: text(m.Reason),
		Target: string(m.Target), Forced: m.Forced, ForcedBy: text(m.ForcedBy), AutoTried: m.AutoTried,
		Hyperparameters: asJSON(m.Hyperparameters), TrainPairs: m.TrainPairs, EvalPairs: m.EvalPairs,
		DatasetSHA256: m.DatasetSHA256, DataFrozenAt: utc(m.DataFrozenAt),
		TaskMode: string(cmp.Or(m.TaskMode, understudy.FingerprintFull)), Fingerprints: asJSON(m.Fingerprints), JSONTasks: asJSON(m.JSONTasks), Artifacts: asJSON(m.Artifacts),
		Training: asJSON(recordOf(m.Training)), Verdict: string(m.Verdict), VerdictAttempts: m.VerdictAttempts,
		Release: m.Release, ReleaseDigest: m.ReleaseDigest, Revision: m.Revision, Replicas: m.Replicas,
		SleptAt: utc(m.SleptAt), DrainingSince: utc(m.DrainingSince), DrainGeneration: m.DrainGeneration,
		ServedSince: utc(m.ServedSince), DeployStarted: utc(m.DeployStarted), Generation: m.Generation,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), PhaseSince: m.PhaseSince.UTC(),
	}
}

func (r modelRow) domain() (understudy.Model, error) {
	m := understudy.Model{
		ID: r.ID, Endpoint: r.Endpoint, Version: r.Version, Base: r.Base,
		Phase: understudy.Phase(r.Phase), Attempt: r.Attempt, FailedPhase: understudy.Phase(r.FailedPhase), Reason: r.Reason,
		Target: understudy.TargetState(r.Target), Forced: r.Forced, ForcedBy: r.ForcedBy, AutoTried: r.AutoTried,
		TrainPairs: r.TrainPairs, EvalPairs: r.EvalPairs,
		DatasetSHA256: r.DatasetSHA256, DataFrozenAt: utc(r.DataFrozenAt), TaskMode: understudy.FingerprintMode(r.TaskMode),
		Verdict: understudy.Verdict(r.Verdict), VerdictAttempts: r.VerdictAttempts,
		Release: r.Release, ReleaseDigest: r.ReleaseDigest, Revision: r.Revision, Replicas: r.Replicas,
		SleptAt: utc(r.SleptAt), DrainingSince: utc(r.DrainingSince), DrainGeneration: r.DrainGeneration,
		ServedSince: utc(r.ServedSince), DeployStarted: utc(r.DeployStarted), Generation: r.Generation,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), PhaseSince: r.PhaseSince.UTC(),
	}
	var err error
	if m.Hyperparameters, err = fromJSON[understudy.Hyperparameters](r.Hyperparameters); err != nil {
		return m, err
	}
	if m.Fingerprints, err = fromJSON[[]string](r.Fingerprints); err != nil {
		return m, err
	}
	if m.JSONTasks, err = fromJSON[[]string](r.JSONTasks); err != nil {
		return m, err
	}
	if m.Artifacts, err = fromJSON[[]understudy.Artifact](r.Artifacts); err != nil {
		return m, err
	}
	record, err := fromJSON[trainingRecord](r.Training)
	m.Training = record.domain()
	return m, err
}

// trainingRecord is the stored shape of the domain's.
type trainingRecord struct {
	Step            int                     `json:"step,omitempty"`
	Steps           int                     `json:"steps,omitempty"`
	Stage           string                  `json:"stage,omitempty"`
	Loss            float64                 `json:"loss,omitempty"`
	EvalLoss        float64                 `json:"evalLoss,omitempty"`
	TokensPerSecond float64                 `json:"tokensPerSecond,omitempty"`
	ETASeconds      float64                 `json:"etaSeconds,omitempty"`
	Provider        string                  `json:"provider,omitempty"`
	GPU             string                  `json:"gpu,omitempty"`
	CostUSD         float64                 `json:"costUSD,omitempty"`
	StoppedEarly    bool                    `json:"stoppedEarly,omitempty"`
	StartedAt       *time.Time              `json:"startedAt,omitempty"`
	EndedAt         *time.Time              `json:"endedAt,omitempty"`
	LossCurve       []understudy.CurvePoint `json:"lossCurve,omitempty"`
	EvalLossCurve   []understudy.CurvePoint `json:"evalLossCurve,omitempty"`
	Manifest        manifest                `json:"manifest,omitzero"`
}

// manifest has no curves: the record has them.
type manifest struct {
	BaseSHA256    string  `json:"baseSha256,omitempty"`
	DatasetSHA256 string  `json:"datasetSha256,omitempty"`
	Used          int     `json:"used,omitempty"`
	Skipped       int     `json:"skipped,omitempty"`
	Seed          int     `json:"seed,omitempty"`
	Seconds       float64 `json:"seconds,omitempty"`
	Steps         int     `json:"steps,omitempty"`
}

func recordOf(t understudy.TrainingRecord) trainingRecord {
	return trainingRecord{
		Step: t.Step, Steps: t.Steps, Stage: t.Stage, Loss: finite(t.Loss), EvalLoss: finite(t.EvalLoss),
		TokensPerSecond: finite(t.TokensPerSecond), ETASeconds: finite(t.ETASeconds),
		Provider: t.Provider, GPU: t.GPU, CostUSD: finite(t.CostUSD), StoppedEarly: t.StoppedEarly,
		StartedAt: utc(t.StartedAt), EndedAt: utc(t.EndedAt),
		LossCurve: curve(t.LossCurve), EvalLossCurve: curve(t.EvalLossCurve),
		Manifest: manifest{BaseSHA256: text(t.Manifest.BaseSHA256), DatasetSHA256: text(t.Manifest.DatasetSHA256), Used: t.Manifest.Used, Skipped: t.Manifest.Skipped,
			Seed: t.Manifest.Seed, Seconds: finite(t.Manifest.Seconds), Steps: t.Manifest.Steps},
	}
}

func curve(points []understudy.CurvePoint) (kept []understudy.CurvePoint) {
	for _, p := range points {
		kept = append(kept, understudy.CurvePoint{Step: p.Step, Value: finite(p.Value)})
	}
	return kept
}

func (t trainingRecord) domain() understudy.TrainingRecord {
	return understudy.TrainingRecord{
		Step: t.Step, Steps: t.Steps, Stage: t.Stage, Loss: t.Loss, EvalLoss: t.EvalLoss,
		TokensPerSecond: t.TokensPerSecond, ETASeconds: t.ETASeconds,
		Provider: t.Provider, GPU: t.GPU, CostUSD: t.CostUSD, StoppedEarly: t.StoppedEarly,
		StartedAt: t.StartedAt, EndedAt: t.EndedAt, LossCurve: t.LossCurve, EvalLossCurve: t.EvalLossCurve,
		Manifest: understudy.Manifest{BaseSHA256: t.Manifest.BaseSHA256, DatasetSHA256: t.Manifest.DatasetSHA256, Used: t.Manifest.Used, Skipped: t.Manifest.Skipped,
			Seed: t.Manifest.Seed, Seconds: t.Manifest.Seconds, Steps: t.Manifest.Steps},
	}
}
