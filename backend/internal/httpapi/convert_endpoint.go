package httpapi

import (
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func endpointOf(e understudy.Endpoint, c understudy.Counters) wire.Endpoint {
	return wire.Endpoint{
		Name: e.Name, Upstream: e.Upstream, UpstreamModel: e.UpstreamModel, Base: e.Base, Metric: string(e.Metric), Threshold: e.Threshold,
		MinTrainPairs: e.MinTrainPairs, MinEvalPairs: e.MinEvalPairs, MaxTrainPairs: e.MaxTrainPairs, MaxEvalPairs: e.MaxEvalPairs,
		SLMShare: e.SLMShare, TeacherShare: e.TeacherShare,
		SLMFirstTokenTimeoutSeconds: e.SLMFirstTokenTimeout.Seconds(), SLMTotalTimeoutSeconds: e.SLMTotalTimeout.Seconds(),
		ScaleToZeroAfterSeconds: e.ScaleToZeroAfter.Seconds(),
		Capture:                 e.Capture, AutoTrain: e.AutoTrain, AutoDeploy: e.AutoDeploy, Bypass: e.Bypass,
		Fingerprint: string(e.Fingerprint), FingerprintInForce: string(e.TaskMode()), RetentionDays: e.RetentionDays, Provider: e.Provider,
		MaxCostUSD: e.MaxCostUSD, DeadlineSeconds: e.TrainingDeadline.Seconds(), GPUCandidates: append([]string{}, e.GPUCandidates...), Hyperparameters: e.Hyperparameters,
		Counters: countersOf(c), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

func countersOf(c understudy.Counters) wire.Counters {
	return wire.Counters{Pairs: c.Pairs, Train: c.Train, Eval: c.Eval, LLM: c.LLM, SLM: c.SLM, Fallbacks: c.Fallbacks, Broken: c.Broken,
		TokensIn: c.TokensIn, TokensOut: c.TokensOut, CostUSD: c.CostUSD, SavedUSD: c.SavedUSD}
}

// applyInput sets the fields that are given; Validate is the caller's.
func applyInput(e *understudy.Endpoint, in wire.EndpointInput) {
	set(&e.Upstream, in.Upstream)
	set(&e.UpstreamModel, in.UpstreamModel)
	set(&e.Base, in.Base)
	setAs(&e.Metric, in.Metric)
	set(&e.Threshold, in.Threshold)
	set(&e.MinTrainPairs, in.MinTrainPairs)
	set(&e.MinEvalPairs, in.MinEvalPairs)
	set(&e.MaxTrainPairs, in.MaxTrainPairs)
	set(&e.MaxEvalPairs, in.MaxEvalPairs)
	set(&e.SLMShare, in.SLMShare)
	set(&e.TeacherShare, in.TeacherShare)
	setSeconds(&e.SLMFirstTokenTimeout, in.SLMFirstTokenTimeoutSeconds)
	setSeconds(&e.SLMTotalTimeout, in.SLMTotalTimeoutSeconds)
	setSeconds(&e.ScaleToZeroAfter, in.ScaleToZeroAfterSeconds)
	set(&e.Capture, in.Capture)
	set(&e.AutoTrain, in.AutoTrain)
	set(&e.AutoDeploy, in.AutoDeploy)
	set(&e.Bypass, in.Bypass)
	if in.Fingerprint != nil {
		e.ChooseFingerprint(understudy.FingerprintMode(*in.Fingerprint))
	}
	set(&e.RetentionDays, in.RetentionDays)
	set(&e.Provider, in.Provider)
	set(&e.MaxCostUSD, in.MaxCostUSD)
	setSeconds(&e.TrainingDeadline, in.DeadlineSeconds)
	set(&e.GPUCandidates, in.GPUCandidates)
	set(&e.Hyperparameters, in.Hyperparameters)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func setAs[T ~string](to *T, from *string) {
	if from != nil {
		*to = T(*from)
	}
}

func setSeconds(to *time.Duration, from *float64) {
	if from != nil {
		*to = time.Duration(*from * float64(time.Second))
	}
}

func upstreamOf(u understudy.Upstream) wire.Upstream {
	return wire.Upstream{Name: u.Name, Kind: string(u.Kind), BaseURL: u.BaseURL, Default: u.Default, HasKey: u.Key != "", Prices: u.Prices}
}

func keyOf(k understudy.Key) wire.Key {
	return wire.Key{ID: k.ID, Name: k.Name, Prefix: k.Prefix, DefaultEndpoint: k.DefaultEndpoint, CreatedAt: k.CreatedAt}
}
