package main

import (
	"time"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/wire"
)

// settings are an endpoint's, as flags.
type settings struct {
	model, upstream, base, metric, fingerprint, provider     string
	threshold, slmShare, teacherShare                        float64
	minTrain, minEval, maxTrain, maxEval, retention          int
	capture, autoTrain, autoDeploy                           bool
	firstToken, total, scaleToZero, deadline                 time.Duration
	firstTokenSeconds, totalSeconds, scaleToZeroAfterSeconds float64
	deadlineSeconds, maxCost                                 float64
	gpus                                                     []string
}

func (s *settings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.model, "model", "gpt-4o-mini", "the upstream's model")
	f.StringVar(&s.upstream, "upstream", "", "the upstream (default: the default one)")
	f.StringVar(&s.base, "base", "", "the base SLM, see `understudy bases`")
	f.StringVar(&s.metric, "metric", "", "auto, similarity or exact")
	f.StringVar(&s.fingerprint, "fingerprint", "", "what tells tasks apart: auto, full or tools")
	f.StringVar(&s.provider, "provider", "", "where it is trained: local, static or runpod (default: the platform's)")
	f.Float64Var(&s.maxCost, "max-cost", 0, "US dollars that one training may cost (0 = the platform's limit)")
	f.DurationVar(&s.deadline, "deadline", 0, "time that one training may take, e.g. 2h (0 = the platform's limit)")
	f.StringSliceVar(&s.gpus, "gpus", nil, "GPUs to rent, the one wanted most first, e.g. \"NVIDIA L4,NVIDIA A40\"")
	f.Float64Var(&s.threshold, "threshold", 0, "the gate's threshold, 0 to 1")
	f.Float64Var(&s.slmShare, "slm-share", 1, "part of the requests it can serve that go to the SLM, 0 to 1")
	f.Float64Var(&s.teacherShare, "teacher-share", 0.05, "part of those that the LLM answers all the same, 0 to 1")
	f.IntVar(&s.minTrain, "min-train-pairs", 0, "new pairs that start a training")
	f.IntVar(&s.minEval, "min-eval-pairs", 0, "distinct unseen requests that a verdict needs")
	f.IntVar(&s.maxTrain, "max-train-pairs", 0, "the most that a training takes")
	f.IntVar(&s.maxEval, "max-eval-pairs", 0, "the most that a verdict takes")
	f.IntVar(&s.retention, "retention-days", 0, "how long pairs are kept")
	f.BoolVar(&s.capture, "capture", true, "keep its pairs")
	f.BoolVar(&s.autoTrain, "auto-train", true, "train by itself when there are enough new pairs")
	f.BoolVar(&s.autoDeploy, "auto-deploy", true, "put a model that passed on stage by itself")
	f.DurationVar(&s.firstToken, "slm-first-token-timeout", 0, "how long the SLM may take to begin, e.g. 2s")
	f.DurationVar(&s.total, "slm-total-timeout", 0, "how long the SLM may take, e.g. 30s")
	f.DurationVar(&s.scaleToZero, "scale-to-zero-after", 0, "quiet time after which the SLM sleeps, e.g. 10m (0 = never)")
}

// given are the flags that were set.
func (s *settings) given(cmd *cobra.Command) wire.EndpointInput {
	s.firstTokenSeconds, s.totalSeconds, s.scaleToZeroAfterSeconds = s.firstToken.Seconds(), s.total.Seconds(), s.scaleToZero.Seconds()
	s.deadlineSeconds = s.deadline.Seconds()
	var in wire.EndpointInput
	changed := cmd.Flags().Changed
	take(changed("model"), &in.UpstreamModel, &s.model)
	take(changed("upstream"), &in.Upstream, &s.upstream)
	take(changed("base"), &in.Base, &s.base)
	take(changed("metric"), &in.Metric, &s.metric)
	take(changed("fingerprint"), &in.Fingerprint, &s.fingerprint)
	take(changed("provider"), &in.Provider, &s.provider)
	take(changed("max-cost"), &in.MaxCostUSD, &s.maxCost)
	take(changed("deadline"), &in.DeadlineSeconds, &s.deadlineSeconds)
	take(changed("gpus"), &in.GPUCandidates, &s.gpus)
	take(changed("threshold"), &in.Threshold, &s.threshold)
	take(changed("slm-share"), &in.SLMShare, &s.slmShare)
	take(changed("teacher-share"), &in.TeacherShare, &s.teacherShare)
	take(changed("min-train-pairs"), &in.MinTrainPairs, &s.minTrain)
	take(changed("min-eval-pairs"), &in.MinEvalPairs, &s.minEval)
	take(changed("max-train-pairs"), &in.MaxTrainPairs, &s.maxTrain)
	take(changed("max-eval-pairs"), &in.MaxEvalPairs, &s.maxEval)
	take(changed("retention-days"), &in.RetentionDays, &s.retention)
	take(changed("capture"), &in.Capture, &s.capture)
	take(changed("auto-train"), &in.AutoTrain, &s.autoTrain)
	take(changed("auto-deploy"), &in.AutoDeploy, &s.autoDeploy)
	take(changed("slm-first-token-timeout"), &in.SLMFirstTokenTimeoutSeconds, &s.firstTokenSeconds)
	take(changed("slm-total-timeout"), &in.SLMTotalTimeoutSeconds, &s.totalSeconds)
	take(changed("scale-to-zero-after"), &in.ScaleToZeroAfterSeconds, &s.scaleToZeroAfterSeconds)
	return in
}

func take[T any](given bool, to **T, value *T) {
	if given {
		*to = value
	}
}
