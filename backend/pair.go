package understudy

import (
	"encoding/json"
	"time"
)

// Source says who answered.
type Source string

const (
	SourceLLM Source = "llm"
	SourceSLM Source = "slm"
)

// Reason says why that one answered.
type Reason string

const (
	ReasonNormal   Reason = "normal"
	ReasonSample   Reason = "sample"   // drawn for the teacher although the SLM could
	ReasonFallback Reason = "fallback" // the SLM was tried and did not do
	ReasonForced   Reason = "forced"   // the client asked for this route
	ReasonImport   Reason = "import"
	ReasonShadow   Reason = "shadow" // the SLM's own answer to a sampled request, never sent to a client
)

// Split says on which side of the exam a pair is.
type Split string

const (
	SplitTrain Split = "train"
	SplitEval  Split = "eval"
)

// Answer is what was answered, assembled from the stream where it was one.
type Answer struct {
	Text         string          `json:"text"`
	ToolCalls    json.RawMessage `json:"toolCalls,omitempty"` // as on the wire, arguments concatenated
	FinishReason string          `json:"finishReason,omitempty"`
}

// Canonical returns the form in which answers are compared: the text, or the
// tool calls' names and arguments as JSON where there are any.
func (a Answer) Canonical() string {
	if len(a.ToolCalls) == 0 {
		return a.Text
	}
	var calls []struct {
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
	if json.Unmarshal(a.ToolCalls, &calls) != nil || len(calls) == 0 {
		return a.Text
	}
	type call struct {
		Name      string `json:"name"`
		Arguments any    `json:"arguments"`
	}
	out := make([]call, len(calls))
	for i, c := range calls {
		out[i] = call{Name: c.Function.Name, Arguments: c.Function.Arguments}
		var v any
		if json.Unmarshal([]byte(c.Function.Arguments), &v) == nil {
			out[i].Arguments = v
		}
	}
	b, _ := json.Marshal(out)
	return string(b)
}

// Pair is one request with its answer.
type Pair struct {
	ID           string // UUIDv7
	Endpoint     string
	User         string
	Request      json.RawMessage // canonical JSON, without what routes it
	Answer       Answer
	Source       Source
	ModelID      string // when Source is slm
	Reason       Reason
	TeacherPair  string // of a shadow answer: the pair that the LLM answered
	Split        Split
	Conversation string // ConversationHash
	Prompt       string // hash of the whole request's messages: distinct prompts
	Fingerprint  string // task
	TokensIn     int
	TokensOut    int
	Counted      bool // tokens counted by the server, else estimated
	Latency      time.Duration
	FirstToken   time.Duration
	CostUSD      float64 // at list price
	Complete     bool    // false if the stream broke
	CreatedAt    time.Time
}

// Teaches reports whether the pair may teach or test a model: a complete
// answer of the LLM that was not chosen by the SLM's failure, and that the LLM
// ended itself: from answers that were cut off a model learns to stop there.
func (p Pair) Teaches() bool {
	return p.Complete && p.Source == SourceLLM && p.Answer.FinishReason != "length" && p.Answer.FinishReason != "content_filter" &&
		(p.Reason == ReasonNormal || p.Reason == ReasonSample || p.Reason == ReasonImport)
}

// Counters are what is known of an endpoint's pairs without counting rows. The
// first three say what is there now and sink with deletions; the others add up
// what clients were answered, without imports and shadows.
type Counters struct {
	Pairs, Train, Eval int64 // without shadows; Train and Eval: those that teach and test
	LLM, SLM           int64
	Fallbacks, Broken  int64
	TokensIn           int64
	TokensOut          int64
	CostUSD            float64 // of the LLM's answers
	SavedUSD           float64 // what the SLM's answers would have cost
}
