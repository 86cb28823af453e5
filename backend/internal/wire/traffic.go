package wire

import "time"

// Traffic is requests by time.
type Traffic struct {
	BucketSeconds int            `json:"bucketSeconds"`
	Points        []TrafficPoint `json:"points" doc:"Oldest first, without gaps"`
	Truncated     bool           `json:"truncated" doc:"There were more answers than are looked at: the oldest are left out"`
}

// TrafficPoint is one span of time. A percentile of nothing is absent.
type TrafficPoint struct {
	At        time.Time `json:"at" doc:"Where the span begins"`
	LLM       int64     `json:"llm"`
	SLM       int64     `json:"slm"`
	Fallbacks int64     `json:"fallbacks" doc:"Among llm: the SLM was tried"`
	Failed    int64     `json:"failed" doc:"Answers that broke off, among llm and slm"`
	P50Ms     *float64  `json:"p50Ms,omitempty"`
	P95Ms     *float64  `json:"p95Ms,omitempty"`
	SLMP50Ms  *float64  `json:"slmP50Ms,omitempty"`
	LLMP50Ms  *float64  `json:"llmP50Ms,omitempty"`
}
