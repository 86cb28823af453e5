package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) evaluationRoutes() {
	const tag = "Evaluations"
	handle(a, a.operation(http.MethodGet, "/models/{model}/evaluations", "list-evaluations", tag, "List a model's verdicts, newest first", 200), a.listEvaluations)
	handle(a, a.operation(http.MethodGet, "/models/{model}/evaluations/{attempt}/answers", "list-evaluation-answers", tag, "List an evaluation's answers, worst or best first", 200), a.listAnswers)
}

func (a *API) listEvaluations(ctx context.Context, in *struct {
	ModelPath
	PageInput
}) (*body[wire.Page[wire.Evaluation]], error) {
	m, err := a.model(ctx, in.Model)
	if err != nil {
		return nil, err
	}
	records, err := a.DB.Evaluations(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	var all []wire.Evaluation
	for _, r := range records {
		all = append(all, evaluationOf(r))
	}
	if m.Phase == understudy.LLMEvaluation && !slices.ContainsFunc(all, func(e wire.Evaluation) bool { return e.Attempt == m.Attempt }) {
		all = append(all, wire.Evaluation{ModelID: m.ID, Attempt: m.Attempt, StartedAt: m.PhaseSince, Words: "The model is still being examined."})
	}
	for i := range all {
		if err := a.progress(ctx, &all[i]); err != nil {
			return nil, err
		}
		if err := a.histogram(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	newestFirst := func(e wire.Evaluation) string { return fmt.Sprintf("%08d", 1e8-e.Attempt) }
	return paged(in.PageInput, all, newestFirst, func(e wire.Evaluation) wire.Evaluation { return e }), nil
}

// progress says how many answers there are; before the prompts are laid out
// there are none.
func (a *API) progress(ctx context.Context, e *wire.Evaluation) error {
	_, total, remaining, err := a.DB.EvalPrompts(ctx, e.ModelID, e.Attempt, 0, 1)
	if understudy.CodeOf(err) == understudy.NotFound {
		return nil
	}
	e.Total, e.Answered = total, total-remaining
	return err
}

func (a *API) histogram(ctx context.Context, e *wire.Evaluation) error {
	scores, err := a.DB.EvalScores(ctx, e.ModelID, e.Attempt, understudy.VariantTuned)
	e.Histogram = []wire.Bin{}
	for _, b := range understudy.Histogram(scores) {
		e.Histogram = append(e.Histogram, wire.Bin(b))
	}
	return err
}

func (a *API) listAnswers(ctx context.Context, in *struct {
	ModelPath
	PageInput
	Attempt int    `path:"attempt" minimum:"1"`
	Variant string `query:"variant" enum:"tuned,base" default:"tuned" doc:"The tuned model, or its untrained base"`
	Order   string `query:"order" enum:"worst,best" default:"worst" doc:"Which come first"`
}) (*body[wire.Page[wire.EvalAnswer]], error) {
	m, err := a.model(ctx, in.Model)
	if err != nil {
		return nil, err
	}
	answers, err := a.DB.EvalAnswers(ctx, m.ID, in.Attempt)
	if err != nil {
		return nil, err
	}
	answers = slices.DeleteFunc(answers, func(x understudy.EvalAnswer) bool { return x.Variant != in.Variant })
	slices.SortStableFunc(answers, worstFirst)
	if in.Order == "best" {
		slices.Reverse(answers)
	}
	from := 0
	if in.Cursor != "" {
		if from, err = strconv.Atoi(in.Cursor); err != nil || from < 0 {
			return nil, understudy.Errorf(understudy.Invalid, "cursor %q: pass what next was on the page before", in.Cursor)
		}
	}
	from = min(from, len(answers))
	to := min(from+in.Limit, len(answers))
	page := wire.Page[wire.EvalAnswer]{Items: []wire.EvalAnswer{}}
	for _, x := range answers[from:to] {
		shown, err := a.answerOf(ctx, x)
		if understudy.CodeOf(err) == understudy.NotFound {
			continue // deleted this very moment
		}
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, shown)
	}
	if to < len(answers) {
		page.Next = strconv.Itoa(to)
	}
	return answer(page), nil
}

// worstFirst: errors, then what is not the same by its likeness.
func worstFirst(a, b understudy.EvalAnswer) int {
	rank := func(x understudy.EvalAnswer) float64 {
		switch {
		case x.Error != "":
			return -1
		case x.Exact != nil && *x.Exact:
			return 2
		case x.Similarity != nil:
			return *x.Similarity
		}
		return 1.5 // not scored yet
	}
	return cmp.Compare(rank(a), rank(b))
}

func (a *API) answerOf(ctx context.Context, x understudy.EvalAnswer) (wire.EvalAnswer, error) {
	p, err := a.DB.Pair(ctx, x.PairID)
	if err != nil {
		return wire.EvalAnswer{}, err
	}
	return wire.EvalAnswer{
		PairID: x.PairID, Variant: x.Variant, Prompt: lastUserMessage(p.Request), Expected: p.Answer.Canonical(), Actual: x.Answer.Canonical(),
		Similarity: x.Similarity, Exact: x.Exact, Near: x.Near, LatencyMs: ms(x.Latency), Error: x.Error,
	}, nil
}

func lastUserMessage(request json.RawMessage) string {
	var c understudy.Chat
	_ = json.Unmarshal(request, &c)
	for _, m := range slices.Backward(c.Messages) {
		if m.Role == "user" {
			return m.Text()
		}
	}
	return ""
}
