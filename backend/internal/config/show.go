package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Show returns what is in force, in the order of the documentation, secrets
// hidden.
func (c Config) Show() [][2]string {
	s := func(v any) string { return fmt.Sprint(v) }
	rows := [][2]string{
		{"LISTEN_ADDR", c.ListenAddr}, {"LOG_LEVEL", c.LogLevel.String()},
		{"UNDERSTUDY_DATA_DIR", c.DataDir}, {"MODELS_DIR", c.ModelsDir},
		{"DATABASE_URL", hidePassword(c.DatabaseURL)}, {"REDIS_URL", hidePassword(c.RedisURL)},
		{"DEFAULT_SIMILARITY_THRESHOLD", s(c.DefaultThreshold)}, {"MAX_DEPLOYMENTS", s(c.MaxDeployments)},
		{"EVALUATION_BATCH_SIZE", s(c.EvaluationBatchSize)}, {"DEPLOY_DEADLINE", s(c.DeployDeadline)}, {"DRAIN_TIME", s(c.DrainTime)},
		{"UNDERSTUDY_RUNTIME", c.Runtime}, {"UNDERSTUDY_OVERLAY", c.Overlay}, {"NAMESPACE", c.Namespace}, {"SLM_IMAGE", c.SLMImage},
		{"BACKEND_URL", c.BackendURL}, {"TRAINER_URL", c.TrainerURL}, {"EVALUATOR_URL", c.EvaluatorURL},
		{"TRAINING_PROVIDER", c.TrainingProvider}, {"TRAINING_DEADLINE", s(c.TrainingDeadline)}, {"TRAINING_MAX_COST_USD", s(c.TrainingMaxCostUSD)},
		{"TRAINING_GPUS", strings.Join(c.TrainingGPUs, ",")},
		{"UNDERSTUDY_PRICES_FILE", c.Prices.Source + ", " + c.Prices.Date},
		{"UNDERSTUDY_CPU_USD_PER_HOUR", s(c.CPUUSDHour)}, {"UNDERSTUDY_POD_USD_PER_HOUR", s(c.PodUSDHour)},
		{"UNDERSTUDY_ADMIN_KEY", c.AdminKey.String()}, {"UNDERSTUDY_SERVICE_TOKEN", c.ServiceToken.String()},
	}
	for _, u := range c.Upstreams {
		key := "no key"
		if u.Key != "" {
			key = "key (hidden)"
		}
		rows = append(rows, [2]string{"upstream " + u.Name, fmt.Sprintf("%s %s, %s, default %v", u.Kind, u.BaseURL, key, u.Default)})
	}
	return rows
}

func hidePassword(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}
