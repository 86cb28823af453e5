package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

// Shapes of ci/contract/batch.json.
type (
	promptPage struct {
		Items     []prompt `json:"items"`
		Next      int64    `json:"next"`
		Total     int      `json:"total"`
		Remaining int      `json:"remaining"`
	}
	prompt struct {
		Seq       int64           `json:"seq"`
		ID        string          `json:"id"`
		Variant   string          `json:"variant"`
		Request   json.RawMessage `json:"request"`
		MaxTokens int             `json:"maxTokens"`
	}
	answerBatch struct {
		Answers []batchAnswer `json:"answers"`
	}
	batchAnswer struct {
		ID           string          `json:"id"`
		Variant      string          `json:"variant"`
		Text         string          `json:"text"`
		ToolCalls    json.RawMessage `json:"toolCalls"`
		FinishReason string          `json:"finishReason"`
		TokensIn     int             `json:"tokensIn"`
		TokensOut    int             `json:"tokensOut"`
		LatencyMs    float64         `json:"latencyMs"`
		Error        string          `json:"error"`
	}
)

const (
	maxAnswers    = 100
	maxAnswerBody = 32 << 20
)

// dataset streams what the trainer trains on.
func (a *API) dataset(c *gin.Context) {
	c.Header("Content-Type", "application/jsonl")
	if err := a.DB.WriteDataset(c.Request.Context(), c.Param("id"), c.Writer); err != nil {
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // the only way left to say that it is not whole
		}
		writeProblem(c.Request.Context(), c.Writer, err)
	}
}

// prompts lists what an evaluation has still to answer.
func (a *API) prompts(c *gin.Context) {
	ctx := c.Request.Context()
	attempt, err1 := number(c.Param("attempt"), 0, 1)
	after, err2 := number(c.Query("after"), 0, 0)
	limit, err3 := number(c.Query("limit"), maxAnswers, 1)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			writeProblem(ctx, c.Writer, err)
			return
		}
	}
	list, total, remaining, err := a.DB.EvalPrompts(ctx, c.Param("id"), int(attempt), after, int(limit))
	if err != nil {
		writeProblem(ctx, c.Writer, err)
		return
	}
	page := promptPage{Items: []prompt{}, Next: after, Total: total, Remaining: remaining}
	for _, p := range list {
		page.Items = append(page.Items, prompt{Seq: p.Seq, ID: p.PairID, Variant: p.Variant, Request: p.Request, MaxTokens: p.MaxTokens})
		page.Next = p.Seq
	}
	serve.JSON(c.Writer, http.StatusOK, page)
}

func number(s string, def, least int64) (int64, error) {
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least {
		return 0, understudy.Errorf(understudy.Invalid, "%q is not a whole number of at least %d", s, least)
	}
	return n, nil
}

// answers stores what an evaluation answered.
func (a *API) answers(c *gin.Context) {
	ctx := c.Request.Context()
	attempt, err := number(c.Param("attempt"), 0, 1)
	if err != nil {
		writeProblem(ctx, c.Writer, err)
		return
	}
	var in answerBatch
	if !serve.Decode(c.Writer, c.Request, maxAnswerBody, &in) {
		return
	}
	if len(in.Answers) > maxAnswers {
		writeProblem(ctx, c.Writer, understudy.Errorf(understudy.Invalid, "%d answers at once are too many: send up to %d", len(in.Answers), maxAnswers))
		return
	}
	list := make([]understudy.EvalAnswer, len(in.Answers))
	for i, x := range in.Answers {
		if list[i], err = x.domain(); err != nil {
			writeProblem(ctx, c.Writer, err)
			return
		}
	}
	if err := a.DB.PutAnswers(ctx, c.Param("id"), int(attempt), list); err != nil {
		writeProblem(ctx, c.Writer, err)
		return
	}
	_, _, remaining, err := a.DB.EvalPrompts(ctx, c.Param("id"), int(attempt), 0, 1)
	if err == nil && remaining == 0 {
		a.wrote(ctx, c.Param("id")) // the verdict can be reached
	}
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

func (x batchAnswer) domain() (understudy.EvalAnswer, error) {
	if x.ID == "" || x.Variant != understudy.VariantTuned && x.Variant != understudy.VariantBase {
		return understudy.EvalAnswer{}, understudy.Errorf(understudy.Invalid, "answer %q, variant %q: an answer has a pair's id and the variant tuned or base", x.ID, x.Variant)
	}
	a := understudy.EvalAnswer{
		PairID: x.ID, Variant: x.Variant, Answer: understudy.Answer{Text: x.Text, FinishReason: x.FinishReason},
		TokensIn: x.TokensIn, TokensOut: x.TokensOut, Latency: time.Duration(x.LatencyMs * float64(time.Millisecond)), Error: x.Error,
	}
	if s := string(x.ToolCalls); s != "" && s != "null" && s != "[]" {
		a.Answer.ToolCalls = x.ToolCalls
	}
	if x.LatencyMs < 0 || x.TokensIn < 0 || x.TokensOut < 0 {
		return a, understudy.Errorf(understudy.Invalid, "answer %q: tokens and latency must not be negative", x.ID)
	}
	return a, nil
}
