package database

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	understudy "understudy.dev/backend"
)

type pairRow struct {
	ID              string `gorm:"primaryKey"`
	Endpoint        string
	EndUser         string
	Source          string
	ModelID         string
	Reason          string
	TeacherPair     string
	Split           string
	Teaches         bool
	Conversation    string
	Prompt          string
	Fingerprint     string
	TokensIn        int64
	TokensOut       int64
	Counted         bool
	LatencyUs       int64
	FirstTokenUs    int64
	CostUSD         float64 `gorm:"column:cost_usd"`
	Complete        bool
	CreatedAt       time.Time
	FinishReason    string
	AnswerToolCalls string
	AnswerText      string
	Request         string
}

func (pairRow) TableName() string { return "pairs" }

// pairColumns is what an insert writes, in the order of pairRow.values.
var pairColumns = []struct{ name, postgres string }{
	{"id", "text"}, {"endpoint", "text"}, {"end_user", "text"}, {"source", "text"}, {"model_id", "text"},
	{"reason", "text"}, {"teacher_pair", "text"}, {"split", "text"}, {"teaches", "boolean"},
	{"conversation", "text"}, {"prompt", "text"}, {"fingerprint", "text"},
	{"tokens_in", "bigint"}, {"tokens_out", "bigint"}, {"counted", "boolean"},
	{"latency_us", "bigint"}, {"first_token_us", "bigint"}, {"cost_usd", "double precision"},
	{"complete", "boolean"}, {"created_at", "timestamptz"},
	{"finish_reason", "text"}, {"answer_tool_calls", "text"}, {"answer_text", "text"}, {"request", "text"},
}

var pairColumnNames = func() string {
	names := make([]string, len(pairColumns))
	for i, c := range pairColumns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}()

func pairValues(p understudy.Pair) []any {
	return []any{
		p.ID, p.Endpoint, storedUser(p.User), string(p.Source), p.ModelID,
		string(p.Reason), p.TeacherPair, string(p.Split), p.Teaches(),
		p.Conversation, p.Prompt, text(p.Fingerprint),
		int64(p.TokensIn), int64(p.TokensOut), p.Counted,
		p.Latency.Microseconds(), p.FirstToken.Microseconds(), finite(p.CostUSD),
		p.Complete, p.CreatedAt.UTC().Truncate(time.Microsecond),
		text(p.Answer.FinishReason), text(string(p.Answer.ToolCalls)), text(p.Answer.Text), text(string(p.Request)),
	}
}

func (r pairRow) domain() (understudy.Pair, error) {
	p := understudy.Pair{
		ID: r.ID, Endpoint: r.Endpoint, User: r.EndUser, Request: json.RawMessage(r.Request),
		Answer: understudy.Answer{Text: r.AnswerText, FinishReason: r.FinishReason},
		Source: understudy.Source(r.Source), ModelID: r.ModelID, Reason: understudy.Reason(r.Reason),
		TeacherPair: r.TeacherPair, Split: understudy.Split(r.Split),
		Conversation: r.Conversation, Prompt: r.Prompt, Fingerprint: r.Fingerprint,
		TokensIn: int(r.TokensIn), TokensOut: int(r.TokensOut), Counted: r.Counted,
		Latency:    time.Duration(r.LatencyUs) * time.Microsecond,
		FirstToken: time.Duration(r.FirstTokenUs) * time.Microsecond,
		CostUSD:    r.CostUSD, Complete: r.Complete, CreatedAt: r.CreatedAt.UTC(),
	}
	if r.AnswerToolCalls != "" {
		p.Answer.ToolCalls = json.RawMessage(r.AnswerToolCalls)
	}
	return p, nil
}

// maxUser is the longest user that is stored as it is: an index entry has an
// upper limit, and clients may send anything.
const maxUser = 256

func storedUser(user string) string {
	if user = text(user); len(user) <= maxUser {
		return user
	}
	sum := sha256.Sum256([]byte(user))
	return "sha256:" + hex.EncodeToString(sum[:])
}
