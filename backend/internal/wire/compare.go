package wire

import "encoding/json"

// CompareInput is a request to be put to both sides.
type CompareInput struct {
	Messages  json.RawMessage `json:"messages,omitempty" doc:"As in a chat completion; or prompt"`
	Prompt    string          `json:"prompt,omitempty" doc:"One user message, behind the system prompt that the endpoint was last asked with"`
	MaxTokens int             `json:"maxTokens,omitempty" minimum:"1" maximum:"4096"`
}

// Comparison is what both sides said.
type Comparison struct {
	LLM        Side     `json:"llm"`
	SLM        Side     `json:"slm"`
	Similarity *float64 `json:"similarity,omitempty" doc:"Cosine of the two answers, 0 to 1; absent where one is missing or the evaluator does not answer"`
	Exact      *bool    `json:"exact,omitempty" doc:"They say the same, white space and letter case folded"`
}

// Side is one side's answer, or why there is none.
type Side struct {
	Model        string          `json:"model,omitempty"`
	Text         string          `json:"text"`
	ToolCalls    json.RawMessage `json:"toolCalls,omitempty"`
	FinishReason string          `json:"finishReason,omitempty"`
	LatencyMs    float64         `json:"latencyMs"`
	FirstTokenMs float64         `json:"firstTokenMs"`
	TokensIn     int             `json:"tokensIn"`
	TokensOut    int             `json:"tokensOut"`
	CostUSD      float64         `json:"costUSD" doc:"Of the LLM, at list price; the SLM's processor time is in the ledger"`
	Error        string          `json:"error,omitempty" doc:"Why there is no answer"`
}
