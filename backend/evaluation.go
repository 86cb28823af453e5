package understudy

import (
	"encoding/json"
	"time"
)

// Variants of an evaluation: the tuned model and its untrained base.
const (
	VariantTuned = "tuned"
	VariantBase  = "base"
)

// EvalPrompt is one request that an evaluation run has still to answer.
type EvalPrompt struct {
	Seq       int64 // a cursor
	PairID    string
	Variant   string
	Request   json.RawMessage // a chat completion request without model, temperature 0
	MaxTokens int             // estimated from the expected answers
}

// EvalAnswer is one answer of an evaluation run.
type EvalAnswer struct {
	PairID      string
	Variant     string
	Answer      Answer
	TokensIn    int
	TokensOut   int
	Latency     time.Duration
	Error       string   // an answer that errored scores 0
	Similarity  *float64 // nil until scored; 0 to 1
	Exact       *bool
	Near        *bool // its nearest train prompt is nearly the same
	LookupExact *bool // the nearest train prompt's answer is the expected one
}

// Evaluation is the record of one verdict.
type Evaluation struct {
	ModelID   string
	Attempt   int
	Metric    Metric // exact or similarity: what auto came to
	N         int    // distinct eval prompts
	Score     float64
	Lower     float64 // one-sided lower confidence bound of Score
	Alpha     float64
	Threshold float64
	Verdict   Verdict
	Reason    string // one sentence with the numbers

	Identical, Close, Different int
	Errors                      int

	BaseN               int
	BaseScore           float64 // the untrained base on BaseN of the prompts
	ShuffledScore       float64 // answers dealt at random: what chance gives
	LookupScore         float64 // answering with the nearest train prompt's answer
	NearN, FarN         int
	NearScore, FarScore float64

	MeanLatency time.Duration
	StartedAt   time.Time
	EndedAt     time.Time
}

// CloseSimilarity is the cosine from which an answer that is not the same
// counts as close.
const CloseSimilarity = 0.85

// NearSimilarity is the cosine from which two prompts count as nearly the same.
const NearSimilarity = 0.95
