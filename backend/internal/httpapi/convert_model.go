package httpapi

import (
	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func modelOf(m understudy.Model) wire.Model {
	return wire.Model{
		ID: m.ID, Name: m.Name(), Endpoint: m.Endpoint, Version: m.Version, Base: m.Base,
		Phase: string(m.Phase), PhaseName: m.Phase.String(), PhaseSince: m.PhaseSince,
		Attempt: m.Attempt, FailedPhase: string(m.FailedPhase), Reason: m.Reason,
		Target: string(m.Target), Forced: m.Forced, ForcedBy: m.ForcedBy, Verdict: string(m.Verdict),
		TrainPairs: m.TrainPairs, EvalPairs: m.EvalPairs, DatasetSHA256: m.DatasetSHA256,
		TaskMode: string(m.TaskMode), Fingerprints: list(m.Fingerprints), Hyperparameters: m.Hyperparameters, Artifacts: list(m.Artifacts), Training: trainingOf(m.Training),
		Release: m.Release, Revision: m.Revision, Replicas: m.Replicas,
		Asleep:   m.Phase == understudy.Deployed && m.Replicas == 0 && m.SleptAt != nil,
		Draining: m.DrainingSince != nil, ServedSince: m.ServedSince, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
}

// list is never null on the wire.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func trainingOf(t understudy.TrainingRecord) wire.Training {
	return wire.Training{
		Stage: t.Stage, Step: t.Step, Steps: t.Steps, Loss: t.Loss, EvalLoss: t.EvalLoss, TokensPerSecond: t.TokensPerSecond, ETASeconds: t.ETASeconds,
		Provider: t.Provider, GPU: t.GPU, CostUSD: t.CostUSD, StoppedEarly: t.StoppedEarly, StartedAt: t.StartedAt, EndedAt: t.EndedAt, LossCurve: t.LossCurve,
		EvalLossCurve: t.EvalLossCurve, Manifest: manifestOf(t.Manifest),
	}
}

// inList leaves out what is long.
func inList(m understudy.Model) wire.Model {
	m.Training.LossCurve, m.Training.EvalLossCurve = nil, nil
	return modelOf(m)
}

func manifestOf(m understudy.Manifest) *wire.Manifest {
	if m.Steps == 0 && m.BaseSHA256 == "" {
		return nil
	}
	return &wire.Manifest{BaseSHA256: m.BaseSHA256, DatasetSHA256: m.DatasetSHA256, UsedPairs: m.Used, SkippedPairs: m.Skipped, Seed: m.Seed, Seconds: m.Seconds, Steps: m.Steps}
}

func evaluationOf(e understudy.Evaluation) wire.Evaluation {
	return wire.Evaluation{
		ModelID: e.ModelID, Attempt: e.Attempt, Metric: string(e.Metric), N: e.N, Score: e.Score, LowerBound: e.Lower, Alpha: e.Alpha, Threshold: e.Threshold,
		Verdict: string(e.Verdict), Reason: e.Reason, Words: e.Words(), Identical: e.Identical, Close: e.Close, Different: e.Different, Errors: e.Errors,
		BaseN: e.BaseN, BaseScore: e.BaseScore, ShuffledScore: e.ShuffledScore, LookupScore: e.LookupScore,
		NearN: e.NearN, NearScore: e.NearScore, FarN: e.FarN, FarScore: e.FarScore,
		MeanLatencyMs: ms(e.MeanLatency), StartedAt: e.StartedAt, EndedAt: e.EndedAt,
	}
}
