package understudy

import (
	"fmt"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// MaxReleaseName is Helm's limit.
const MaxReleaseName = 53

// ReleaseName names the release that serves a model: slm-<endpoint>-v<n>. At
// most 43 characters for any valid endpoint up to version 99999.
func ReleaseName(endpoint string, version int) string {
	return fmt.Sprintf("slm-%s-v%d", endpoint, version)
}

// EvaluationReleaseName names the release that runs an evaluation:
// slm-<endpoint>-v<n>-e<attempt>.
func EvaluationReleaseName(endpoint string, version, attempt int) string {
	return fmt.Sprintf("%s-e%d", ReleaseName(endpoint, version), attempt)
}

// JobName names a training job: <modelID>-<attempt>.
func JobName(modelID string, attempt int) string { return fmt.Sprintf("%s-%d", modelID, attempt) }

// JobAttempt is the attempt in a JobName, 0 where there is none.
func JobAttempt(job string) int {
	attempt, err := strconv.Atoi(job[strings.LastIndexByte(job, '-')+1:])
	if err != nil {
		return 0
	}
	return attempt
}
