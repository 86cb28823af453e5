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
	m.Training = record.domain(m)
	return m, err
}

// trainingRecord is the stored shape of the domain's.
type trainingRecord struct {
	Attempt         int                     `json:"attempt,omitempty"`
	Step            int                     `json:"step,omitempty"`
	Steps           int                     `json:"steps,omitempty"`
	Stage           string                  `json:"stage,omitempty"`
	Loss            float64                 `json:"loss,omitempty"`
	EvalLoss        float64                 `json:"evalLoss,omitempty"`
	EvalExact       float64                 `json:"evalExact,omitempty"`
	BestStep        int                     `json:"bestStep,omitempty"`
	ResumedStep     int                     `json:"resumedStep,omitempty"`
	TokensPerSecond float64                 `json:"tokensPerSecond,omitempty"`
	ETASeconds      float64                 `json:"etaSeconds,omitempty"`
	Provider        string                  `json:"provider,omitempty"`
	GPU             string                  `json:"gpu,omitempty"`
	GPUUse          gpuUse                  `json:"gpuUse,omitzero"`
	CostUSD         float64                 `json:"costUSD,omitempty"` // of releases that kept no rentals; read only
	StoppedEarly    bool                    `json:"stoppedEarly,omitempty"`
	StartedAt       *time.Time              `json:"startedAt,omitempty"`
	EndedAt         *time.Time              `json:"endedAt,omitempty"`
	LossCurve       []understudy.CurvePoint `json:"lossCurve,omitempty"`
	EvalLossCurve   []understudy.CurvePoint `json:"evalLossCurve,omitempty"`
	EvalExactCurve  []understudy.CurvePoint `json:"evalExactCurve,omitempty"`
	Notes           []string                `json:"notes,omitempty"`
	Manifest        manifest                `json:"manifest,omitzero"`
	Rentals         []rental                `json:"rentals,omitempty"`
}

type gpuUse struct {
	MemoryUsedBytes  int64 `json:"memoryUsedBytes,omitempty"`
	MemoryTotalBytes int64 `json:"memoryTotalBytes,omitempty"`
	Utilization      int   `json:"utilization,omitempty"`
}

type rental struct {
	Attempt   int        `json:"attempt"`
	Provider  string     `json:"provider,omitempty"`
	Machine   string     `json:"machine,omitempty"`
	GPU       string     `json:"gpu,omitempty"`
	Where     string     `json:"where,omitempty"`
	Machines  int        `json:"machines"`
	Seconds   float64    `json:"seconds,omitempty"`
	Reckoned  float64    `json:"reckonedUSD,omitempty"`
	BilledUSD *float64   `json:"billedUSD,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	Settled   bool       `json:"settled,omitempty"`
}

// manifest has no curves: the record has them.
type manifest struct {
	BaseSHA256      string                     `json:"baseSha256,omitempty"`
	DatasetSHA256   string                     `json:"datasetSha256,omitempty"`
	Pairs           int                        `json:"pairs,omitempty"`
	Used            int                        `json:"used,omitempty"`
	Skipped         int                        `json:"skipped,omitempty"`
	Validation      int                        `json:"validation,omitempty"`
	SkippedBecause  map[string]int             `json:"skippedBecause,omitempty"`
	Hyperparameters understudy.Hyperparameters `json:"hyperparameters,omitzero"`
	Seed            int                        `json:"seed,omitempty"`
	Seconds         float64                    `json:"seconds,omitempty"`
	Steps           int                        `json:"steps,omitempty"`
	BestStep        int                        `json:"bestStep,omitempty"`
	Exact           *float64                   `json:"exact,omitempty"`
	StopReason      string                     `json:"stopReason,omitempty"`
	Tokens          int64                      `json:"tokens,omitempty"`
	TokensPerSecond float64                    `json:"tokensPerSecond,omitempty"`
	Device          string                     `json:"device,omitempty"`
}

func recordOf(t understudy.TrainingRecord) trainingRecord {
	return trainingRecord{
		Attempt: t.Attempt, Step: t.Step, Steps: t.Steps, Stage: t.Stage, Loss: finite(t.Loss), EvalLoss: finite(t.EvalLoss),
		EvalExact: finite(t.EvalExact), BestStep: t.BestStep, ResumedStep: t.ResumedStep,
		TokensPerSecond: finite(t.TokensPerSecond), ETASeconds: finite(t.ETASeconds),
		Provider: t.Provider, GPU: t.GPU, GPUUse: gpuUse(t.GPUUse), StoppedEarly: t.StoppedEarly,
		StartedAt: utc(t.StartedAt), EndedAt: utc(t.EndedAt),
		LossCurve: curve(t.LossCurve), EvalLossCurve: curve(t.EvalLossCurve), EvalExactCurve: curve(t.EvalExactCurve),
		Notes: t.Notes, Manifest: manifestOf(t.Manifest), Rentals: rentalsOf(t.Rentals),
	}
}

func curve(points []understudy.CurvePoint) (kept []understudy.CurvePoint) {
	for _, p := range points {
		kept = append(kept, understudy.CurvePoint{Step: p.Step, Value: finite(p.Value)})
	}
	return kept
}

func manifestOf(m understudy.Manifest) manifest {
	return manifest{
		BaseSHA256: m.BaseSHA256, DatasetSHA256: m.DatasetSHA256, Pairs: m.Pairs, Used: m.Used, Skipped: m.Skipped, Validation: m.Validation,
		SkippedBecause: m.SkippedBecause, Hyperparameters: m.Hyperparameters, Seed: m.Seed, Seconds: finite(m.Seconds), Steps: m.Steps,
		BestStep: m.BestStep, Exact: m.Exact, StopReason: m.StopReason, Tokens: m.Tokens, TokensPerSecond: finite(m.TokensPerSecond), Device: m.Device,
	}
}

func rentalsOf(list []understudy.Rental) (kept []rental) {
	for _, r := range list {
		kept = append(kept, rental{Attempt: r.Attempt, Provider: r.Provider, Machine: r.Machine, GPU: r.GPU, Where: r.Where, Machines: r.Machines,
			Seconds: r.Time.Seconds(), Reckoned: finite(r.Reckoned), BilledUSD: r.BilledUSD, EndedAt: utc(r.EndedAt), Settled: r.Settled})
	}
	return kept
}

func (t trainingRecord) domain(m understudy.Model) understudy.TrainingRecord {
	made := t.Manifest
	out := understudy.TrainingRecord{
		Attempt: t.Attempt, Step: t.Step, Steps: t.Steps, Stage: t.Stage, Loss: t.Loss, EvalLoss: t.EvalLoss,
		EvalExact: t.EvalExact, BestStep: t.BestStep, ResumedStep: t.ResumedStep,
		TokensPerSecond: t.TokensPerSecond, ETASeconds: t.ETASeconds,
		Provider: t.Provider, GPU: t.GPU, GPUUse: understudy.GPUUse(t.GPUUse), StoppedEarly: t.StoppedEarly,
		StartedAt: t.StartedAt, EndedAt: t.EndedAt, LossCurve: t.LossCurve, EvalLossCurve: t.EvalLossCurve, EvalExactCurve: t.EvalExactCurve,
		Notes: t.Notes,
		Manifest: understudy.Manifest{
			BaseSHA256: made.BaseSHA256, DatasetSHA256: made.DatasetSHA256, Pairs: made.Pairs, Used: made.Used, Skipped: made.Skipped, Validation: made.Validation,
			SkippedBecause: made.SkippedBecause, Hyperparameters: made.Hyperparameters, Seed: made.Seed, Seconds: made.Seconds, Steps: made.Steps,
			BestStep: made.BestStep, Exact: made.Exact, StopReason: made.StopReason, Tokens: made.Tokens, TokensPerSecond: made.TokensPerSecond, Device: made.Device,
		},
	}
	for _, r := range t.Rentals {
		out.Rentals = append(out.Rentals, understudy.Rental{Attempt: r.Attempt, Provider: r.Provider, Machine: r.Machine, GPU: r.GPU, Where: r.Where, Machines: r.Machines,
			Time: seconds(r.Seconds), Reckoned: r.Reckoned, BilledUSD: r.BilledUSD, EndedAt: r.EndedAt, Settled: r.Settled})
	}
	if len(t.Rentals) == 0 && t.CostUSD > 0 {
		out.Rentals = []understudy.Rental{t.formerly(m)}
	}
	return out
}

// formerly makes a rental of the one number that was kept once; the trainer,
// asked for the rest, may still have it.
func (t trainingRecord) formerly(m understudy.Model) understudy.Rental {
	r := understudy.Rental{Attempt: m.Attempt, Provider: t.Provider, GPU: t.GPU, Machines: 1, Reckoned: t.CostUSD, EndedAt: t.EndedAt}
	if t.StartedAt != nil && t.EndedAt != nil {
		r.Time = t.EndedAt.Sub(*t.StartedAt)
	}
	return r
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}
