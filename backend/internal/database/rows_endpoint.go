package database

import (
	"errors"
	"time"

	understudy "understudy.dev/backend"
)

type endpointRow struct {
	Name                    string `gorm:"primaryKey"`
	Upstream                string
	UpstreamModel           string
	Base                    string
	Metric                  string
	Threshold               float64
	MinTrainPairs           int
	MinEvalPairs            int
	MaxTrainPairs           int
	MaxEvalPairs            int
	SLMShare                float64 `gorm:"column:slm_share"`
	TeacherShare            float64
	SLMFirstTokenTimeoutMs  int64 `gorm:"column:slm_first_token_timeout_ms"`
	SLMTotalTimeoutMs       int64 `gorm:"column:slm_total_timeout_ms"`
	ScaleToZeroAfterMs      int64
	Capture                 bool
	AutoTrain               bool
	AutoDeploy              bool
	Bypass                  bool
	Fingerprint             string
	PromptVaries            bool
	RetentionDays           int
	Provider                string
	MaxCostUSD              float64 `gorm:"column:max_cost_usd"`
	TrainingDeadlineSeconds int64
	GPUCandidates           string `gorm:"column:gpu_candidates"`
	Hyperparameters         string
	Generation              int64
	CreatedAt               time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt               time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt               *time.Time
}

func (endpointRow) TableName() string { return "endpoints" }

func rowOfEndpoint(e understudy.Endpoint) endpointRow {
	return endpointRow{
		Name: e.Name, Upstream: text(e.Upstream), UpstreamModel: text(e.UpstreamModel), Base: e.Base,
		Metric: string(e.Metric), Threshold: e.Threshold,
		MinTrainPairs: e.MinTrainPairs, MinEvalPairs: e.MinEvalPairs,
		MaxTrainPairs: e.MaxTrainPairs, MaxEvalPairs: e.MaxEvalPairs,
		SLMShare: e.SLMShare, TeacherShare: e.TeacherShare,
		SLMFirstTokenTimeoutMs: e.SLMFirstTokenTimeout.Milliseconds(),
		SLMTotalTimeoutMs:      e.SLMTotalTimeout.Milliseconds(),
		ScaleToZeroAfterMs:     e.ScaleToZeroAfter.Milliseconds(),
		Capture:                e.Capture, AutoTrain: e.AutoTrain, AutoDeploy: e.AutoDeploy, Bypass: e.Bypass,
		Fingerprint: string(e.Fingerprint), PromptVaries: e.PromptVaries, RetentionDays: e.RetentionDays, Provider: text(e.Provider),
		MaxCostUSD: e.MaxCostUSD, TrainingDeadlineSeconds: int64(e.TrainingDeadline / time.Second), GPUCandidates: asJSON(append([]string{}, e.GPUCandidates...)),
		Hyperparameters: asJSON(e.Hyperparameters), Generation: e.Generation,
		CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(), DeletedAt: utc(e.DeletedAt),
	}
}

func (r endpointRow) domain() (understudy.Endpoint, error) {
	h, err := fromJSON[understudy.Hyperparameters](r.Hyperparameters)
	gpus, gerr := fromJSON[[]string](r.GPUCandidates)
	if len(gpus) == 0 {
		gpus = nil
	}
	return understudy.Endpoint{
		Name: r.Name, Upstream: r.Upstream, UpstreamModel: r.UpstreamModel, Base: r.Base,
		Metric: understudy.Metric(r.Metric), Threshold: r.Threshold,
		MinTrainPairs: r.MinTrainPairs, MinEvalPairs: r.MinEvalPairs,
		MaxTrainPairs: r.MaxTrainPairs, MaxEvalPairs: r.MaxEvalPairs,
		SLMShare: r.SLMShare, TeacherShare: r.TeacherShare,
		SLMFirstTokenTimeout: time.Duration(r.SLMFirstTokenTimeoutMs) * time.Millisecond,
		SLMTotalTimeout:      time.Duration(r.SLMTotalTimeoutMs) * time.Millisecond,
		ScaleToZeroAfter:     time.Duration(r.ScaleToZeroAfterMs) * time.Millisecond,
		Capture:              r.Capture, AutoTrain: r.AutoTrain, AutoDeploy: r.AutoDeploy, Bypass: r.Bypass,
		Fingerprint: understudy.FingerprintMode(r.Fingerprint), PromptVaries: r.PromptVaries, RetentionDays: r.RetentionDays, Provider: r.Provider,
		MaxCostUSD: r.MaxCostUSD, TrainingDeadline: time.Duration(r.TrainingDeadlineSeconds) * time.Second, GPUCandidates: gpus,
		Hyperparameters: h, Generation: r.Generation,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), DeletedAt: utc(r.DeletedAt),
	}, errors.Join(err, gerr)
}
