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
	w := wire.Training{
		Attempt: t.Attempt, Stage: t.Stage, Step: t.Step, Steps: t.Steps, Loss: t.Loss, EvalLoss: t.EvalLoss, EvalExact: t.EvalExact, BestStep: t.BestStep, ResumedStep: t.ResumedStep,
		TokensPerSecond: t.TokensPerSecond, ETASeconds: t.ETASeconds, Provider: t.Provider, GPU: t.GPU, RentedSeconds: t.Rented().Seconds(),
		StoppedEarly: t.StoppedEarly, StartedAt: t.StartedAt, EndedAt: t.EndedAt, Notes: t.Notes,
		LossCurve: t.LossCurve, EvalLossCurve: t.EvalLossCurve, EvalExactCurve: t.EvalExactCurve, Manifest: manifestOf(t),
	}
	if t.GPUUse != (understudy.GPUUse{}) {
		use := wire.GPUUse(t.GPUUse)
		w.GPUUse = &use
	}
	for _, r := range t.Rentals {
		usd, billed := r.USD()
		if r.Attempt == t.Attempt {
			w.Where = r.Where
		}
		w.Rentals = append(w.Rentals, wire.Rental{Attempt: r.Attempt, Provider: r.Provider, Machine: r.Machine, GPU: r.GPU, Where: r.Where, Machines: r.Machines, RentedSeconds: r.Time.Seconds(),
			CostUSD: usd, CostBasis: basis(billed), EstimateUSD: r.Reckoned, BilledUSD: r.BilledUSD, Settled: r.Settled, EndedAt: r.EndedAt})
	}
	if len(t.Rentals) > 0 {
		usd, billed := t.CostUSD()
		w.CostUSD, w.CostBasis = usd, basis(billed)
	}
	return w
}

func basis(billed bool) string {
	if billed {
		return wire.Bill
	}
	return wire.Estimate
}

// inList leaves out what is long.
func inList(m understudy.Model) wire.Model {
	m.Training.LossCurve, m.Training.EvalLossCurve, m.Training.EvalExactCurve = nil, nil, nil
	return modelOf(m)
}

func manifestOf(t understudy.TrainingRecord) *wire.Manifest {
	m := t.Manifest
	if m.Steps == 0 && m.BaseSHA256 == "" {
		return nil
	}
	return &wire.Manifest{
		BaseSHA256: m.BaseSHA256, DatasetSHA256: m.DatasetSHA256, Pairs: m.Pairs, UsedPairs: m.Used, ValidationPairs: m.Validation, SkippedPairs: m.Skipped, SkippedBecause: m.SkippedBecause,
		Hyperparameters: m.Hyperparameters, Seed: m.Seed, Seconds: m.Seconds, Steps: m.Steps, BestStep: m.BestStep, EvalExact: m.Exact, StopReason: m.StopReason,
		Tokens: m.Tokens, TokensPerSecond: m.TokensPerSecond, Device: m.Device,
	}
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
