package trainerclient

import (
	"time"

	understudy "understudy.dev/backend"
)

type spec struct {
	Base            base                       `json:"base"`
	Dataset         dataset                    `json:"dataset"`
	Hyperparameters understudy.Hyperparameters `json:"hyperparameters"`
	Provider        string                     `json:"provider"`
	DeadlineSeconds int64                      `json:"deadlineSeconds"`
	MaxCostUSD      float64                    `json:"maxCostUSD"`
	GPUCandidates   []string                   `json:"gpuCandidates"`
	Image           string                     `json:"image"`
}

type base struct {
	Name          string `json:"name"`
	Architecture  string `json:"architecture"`
	Licence       string `json:"licence"`
	ContextLength int    `json:"contextLength"`
	Train         struct {
		GGUF understudy.BaseFile `json:"gguf"`
		HF   string              `json:"hf"`
	} `json:"train"`
}

type dataset struct {
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
	Pairs  int    `json:"pairs"`
}

func specOf(o understudy.TrainingOrder) spec {
	s := spec{
		Base:            base{Name: o.Base.Name, Architecture: o.Base.Architecture, Licence: o.Base.Licence, ContextLength: o.Base.ContextLength},
		Dataset:         dataset{URL: o.DatasetURL, SHA256: o.DatasetSHA256, Pairs: o.Pairs},
		Hyperparameters: o.Hyperparameters, Provider: o.Provider,
		DeadlineSeconds: int64(o.Deadline.Seconds()), MaxCostUSD: o.MaxCostUSD,
		GPUCandidates: append([]string{}, o.GPUCandidates...), Image: o.Image,
	}
	if o.Base.Train.GGUF != nil {
		s.Base.Train.GGUF = *o.Base.Train.GGUF
	}
	s.Base.Train.HF = o.Base.Train.HF
	return s
}

type job struct {
	ID       string              `json:"id"`
	State    understudy.JobState `json:"state"`
	Progress struct {
		Stage           string  `json:"stage"`
		Step            int     `json:"step"`
		Steps           int     `json:"steps"`
		Loss            float64 `json:"loss"`
		EvalLoss        float64 `json:"evalLoss"`
		TokensPerSecond float64 `json:"tokensPerSecond"`
		ETASeconds      float64 `json:"etaSeconds"`
		EvalExact       float64 `json:"evalExact"`
		BestStep        int     `json:"bestStep"`
		ResumedStep     int     `json:"resumedStep"`
		GPU             struct {
			MemoryUsedBytes  int64 `json:"memoryUsedBytes"`
			MemoryTotalBytes int64 `json:"memoryTotalBytes"`
			Utilization      int   `json:"utilization"`
		} `json:"gpu"`
	} `json:"progress"`
	Provider struct {
		Name      string   `json:"name"`
		ID        string   `json:"id"`
		GPU       string   `json:"gpu"`
		Where     string   `json:"where"`
		CostUSD   float64  `json:"costUSD"`
		Seconds   float64  `json:"seconds"`
		BilledUSD *float64 `json:"billedUSD"`
		Machines  int      `json:"machines"`
		Settled   bool     `json:"settled"`
	} `json:"provider"`
	Artifacts    []understudy.Artifact `json:"artifacts"`
	StoppedEarly bool                  `json:"stoppedEarly"`
	Error        string                `json:"error"`
	Waiting      string                `json:"waiting"`
	Notes        []string              `json:"notes"`
}

// waiting is what an unfinished job waits for, else what happened last on its
// way that a person should know.
func (j job) waiting() string {
	if j.Waiting == "" && len(j.Notes) > 0 {
		return j.Notes[len(j.Notes)-1]
	}
	return j.Waiting
}

func (j job) domain() understudy.TrainingJob {
	return understudy.TrainingJob{
		ID: j.ID, State: j.State,
		Stage: j.Progress.Stage, Step: j.Progress.Step, Steps: j.Progress.Steps,
		Loss: j.Progress.Loss, EvalLoss: j.Progress.EvalLoss,
		TokensPerSec: j.Progress.TokensPerSecond, ETASeconds: j.Progress.ETASeconds,
		EvalExact: j.Progress.EvalExact, BestStep: j.Progress.BestStep, ResumedStep: j.Progress.ResumedStep, GPUUse: understudy.GPUUse(j.Progress.GPU),
		Provider: j.Provider.Name, GPU: j.Provider.GPU, CostUSD: j.Provider.CostUSD, Rented: time.Duration(j.Provider.Seconds * float64(time.Second)),
		Machine: j.Provider.ID, Where: j.Provider.Where, Machines: j.Provider.Machines, BilledUSD: j.Provider.BilledUSD, Settled: j.Provider.Settled,
		Artifacts: j.Artifacts, StoppedEarly: j.StoppedEarly, Error: j.Error, Waiting: j.waiting(), Notes: j.Notes,
	}
}

type manifest struct {
	Base struct {
		SHA256 string `json:"sha256"`
	} `json:"base"`
	Hyperparameters understudy.Hyperparameters `json:"hyperparameters"`
	Dataset         struct {
		SHA256         string         `json:"sha256"`
		Pairs          int            `json:"pairs"`
		Used           int            `json:"used"`
		Validation     int            `json:"validation"`
		Skipped        int            `json:"skipped"`
		SkippedBecause map[string]int `json:"skippedBecause"`
	} `json:"dataset"`
	Curves struct {
		Loss      []understudy.CurvePoint `json:"loss"`
		EvalLoss  []understudy.CurvePoint `json:"evalLoss"`
		EvalExact []understudy.CurvePoint `json:"evalExact"`
	} `json:"curves"`
	Steps           int     `json:"steps"`
	BestStep        int     `json:"bestStep"`
	StopReason      string  `json:"stopReason"`
	Tokens          int64   `json:"tokens"`
	TokensPerSecond float64 `json:"tokensPerSecond"`
	Device          string  `json:"device"`
	Seconds         float64 `json:"seconds"`
}

func (m manifest) domain() understudy.Manifest {
	made := understudy.Manifest{
		BaseSHA256: m.Base.SHA256, DatasetSHA256: m.Dataset.SHA256,
		Pairs: m.Dataset.Pairs, Used: m.Dataset.Used, Skipped: m.Dataset.Skipped, Validation: m.Dataset.Validation, SkippedBecause: m.Dataset.SkippedBecause,
		Hyperparameters: m.Hyperparameters, Seed: m.Hyperparameters.Seed, Seconds: m.Seconds, Steps: m.Steps, BestStep: m.BestStep, StopReason: m.StopReason,
		Tokens: m.Tokens, TokensPerSecond: m.TokensPerSecond, Device: m.Device,
		Loss: m.Curves.Loss, EvalLoss: m.Curves.EvalLoss, EvalExact: m.Curves.EvalExact,
	}
	for _, p := range m.Curves.EvalExact {
		if p.Step == m.BestStep {
			made.Exact = &p.Value
		}
	}
	return made
}
