package understudy

import "time"

// Asked is what came of putting one request to one side, for a person who
// compares the two.
type Asked struct {
	Answer     Answer
	Model      string // who answered
	Latency    time.Duration
	FirstToken time.Duration
	TokensIn   int
	TokensOut  int
	CostUSD    float64 // of the LLM at list price
	Error      string  // why there is no answer, in a sentence
}
