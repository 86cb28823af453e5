package understudy

import "slices"

// Hyperparameters of a LoRA training; zero means the agent's default for the
// size of the data. The names on the wire are those of ci/contract/trainer.json.
type Hyperparameters struct {
	Epochs               float64  `json:"epochs,omitempty"`
	MaxSteps             int      `json:"maxSteps,omitempty"`
	BatchSize            int      `json:"batchSize,omitempty"`
	LearningRate         float64  `json:"learningRate,omitempty"`
	MinLearningRateRatio float64  `json:"minLearningRateRatio,omitempty"`
	WarmupSteps          int      `json:"warmupSteps,omitempty"`
	GradientClip         float64  `json:"gradientClip,omitempty"`
	LoRARank             int      `json:"loraRank,omitempty"`
	LoRAAlpha            float64  `json:"loraAlpha,omitempty"`
	LoRADropout          float64  `json:"loraDropout,omitempty"`
	TargetModules        []string `json:"targetModules,omitempty"`
	MaxSequenceTokens    int      `json:"maxSequenceTokens,omitempty"`
	ValidationFraction   float64  `json:"validationFraction,omitempty"`
	Seed                 int      `json:"seed,omitempty"`
	// Sampling is none, dedup (equal prompts once, with the newest answer) or
	// balanced (each answer equally often).
	Sampling string `json:"sampling,omitempty"`
	// EvalEverySteps and EarlyStoppingPatience (evaluations in a row that bring
	// nothing better) matter where a part of the train split is set apart.
	EvalEverySteps        int `json:"evalEverySteps,omitempty"`
	EarlyStoppingPatience int `json:"earlyStoppingPatience,omitempty"`
}

// Validate returns an Invalid error for a value that no training can use.
func (h Hyperparameters) Validate() error {
	for _, c := range []struct {
		name  string
		wrong bool
		say   string
	}{
		{"epochs", h.Epochs < 0 || h.Epochs > 100, "0 to 100"},
		{"maxSteps", h.MaxSteps < 0, "0 or more"},
		{"batchSize", h.BatchSize < 0 || h.BatchSize > 1024, "0 to 1024"},
		{"learningRate", h.LearningRate < 0 || h.LearningRate > 1, "0 to 1"},
		{"loraRank", h.LoRARank < 0 || h.LoRARank > 256, "0 to 256"},
		{"loraDropout", h.LoRADropout < 0 || h.LoRADropout >= 1, "0 to below 1"},
		{"maxSequenceTokens", h.MaxSequenceTokens < 0, "0 or more"},
		{"validationFraction", h.ValidationFraction < 0 || h.ValidationFraction > 0.5, "0 to 0.5"},
		{"sampling", !slices.Contains([]string{"", "none", "dedup", "balanced"}, h.Sampling), "none, dedup or balanced"},
		{"evalEverySteps", h.EvalEverySteps < 0, "0 or more"},
		{"earlyStoppingPatience", h.EarlyStoppingPatience < 0, "0 or more"},
	} {
		if c.wrong {
			return Errorf(Invalid, "hyperparameters.%s: use %s", c.name, c.say)
		}
	}
	return nil
}
