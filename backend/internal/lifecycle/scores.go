package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	understudy "understudy.dev/backend"
)

// scores has one batch of answers scored and stores that, so that a crash
// loses one batch at most; with all scored it compares the prompts with the
// known ones, and at last reaches the verdict.
func (l *lead) scores(ctx context.Context, m understudy.Model) (time.Duration, error) {
	answers, err := l.DB.EvalAnswers(ctx, m.ID, m.Attempt)
	if err != nil {
		return 0, err
	}
	var open []understudy.EvalAnswer
	familiar := true
	for _, a := range answers {
		if a.Similarity == nil {
			open = append(open, a)
		}
		familiar = familiar && (a.LookupExact != nil || a.Variant != understudy.VariantTuned)
	}
	switch {
	case len(open) > 0:
		err = l.score(ctx, m, open, len(answers))
	case !familiar:
		err = l.compareWithKnown(ctx, m, answers)
	default:
		return l.verdict(ctx, m)
	}
	if permanent(err) {
		return l.giveUp(ctx, m, err.Error())
	}
	return 0, err
}

func (l *lead) score(ctx context.Context, m understudy.Model, open []understudy.EvalAnswer, total int) error {
	expected := map[string]string{}
	err := l.DB.EachFrozen(ctx, m.ID, understudy.SplitEval, func(p understudy.Pair) error {
		expected[p.ID] = p.Answer.Canonical()
		return nil
	})
	if err != nil {
		return err
	}
	left := len(open)
	// like answers into the same batch: the evaluator embeds each text once
	slices.SortStableFunc(open, func(a, b understudy.EvalAnswer) int {
		return cmp.Compare(expected[a.PairID], expected[b.PairID])
	})
	open = open[:min(len(open), l.BatchSize)]
	var asked []understudy.Comparison
	var at []int
	for i, a := range open {
		if a.Error != "" {
			open[i].Similarity, open[i].Exact = new(float64), new(bool)
			continue
		}
		asked = append(asked, understudy.Comparison{ID: a.PairID + "/" + a.Variant, Expected: expected[a.PairID], Actual: a.Answer.Canonical()})
		at = append(at, i)
	}
	likeness, err := l.Evaluator.Score(ctx, asked)
	if err != nil {
		return err
	}
	for i, s := range likeness {
		open[at[i]].Similarity, open[at[i]].Exact = &s.Similarity, &s.Exact
	}
	if err := l.DB.PutScores(ctx, m.ID, m.Attempt, open); err != nil {
		return err
	}
	l.say(ctx, m, "evaluation.scored", fmt.Sprintf("%s: %d of %d answers scored", m.Name(), total-left+len(open), total),
		map[string]any{"scored": total - left + len(open), "total": total, "attempt": m.Attempt})
	return nil
}
