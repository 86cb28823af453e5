package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// yardstickPairs bounds how many comparisons a yardstick costs where the
// metric needs embeddings.
const yardstickPairs = 100

// verdict has the gate decide on what is stored. Nothing in it depends on when
// it runs, so that repeating it after a crash gives the same.
func (l *lead) verdict(ctx context.Context, m understudy.Model) (time.Duration, error) {
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	answers, err := l.DB.EvalAnswers(ctx, m.ID, m.Attempt)
	if err != nil {
		return 0, err
	}
	known, unseen, err := l.papers(ctx, m)
	if err != nil {
		return 0, err
	}
	exam := understudy.Exam{Metric: e.Metric, Threshold: e.Threshold, MinEvalPairs: e.MinEvalPairs, Verdicts: m.VerdictAttempts}
	tuned := map[string]understudy.EvalAnswer{}
	for _, a := range answers {
		if a.Variant == understudy.VariantBase {
			exam.Base = append(exam.Base, a)
		} else {
			tuned[a.PairID] = a
		}
	}
	for _, p := range unseen { // in pair id order
		if a, ok := tuned[p.id]; ok {
			exam.Papers = append(exam.Papers, understudy.Paper{Expected: p.answer, Actual: a})
		}
	}
	if exam.Metric == understudy.MetricAuto {
		exam.Metric = understudy.ChooseMetric(exam.Papers)
	}
	if exam.Shuffled, exam.Lookup, err = l.yardsticks(ctx, exam, known, unseen); err != nil {
		if permanent(err) {
			return l.giveUp(ctx, m, err.Error())
		}
		return 0, err
	}
	v := understudy.Judge(exam)
	v.ModelID, v.Attempt, v.StartedAt, v.EndedAt = m.ID, m.Attempt, m.PhaseSince, l.Now().UTC()
	if err := l.DB.PutEvaluation(ctx, l.epoch, v); err != nil {
		return 0, err
	}
	_, err = l.DB.Move(ctx, l.epoch, m, understudy.Progress, func(m *understudy.Model) {
		m.Verdict, m.Reason = v.Verdict, v.Reason
		m.VerdictAttempts++
		m.Release, m.ReleaseDigest, m.Revision = "", "", 0
	})
	return 0, err
}

// yardsticks scores the expected answers against those of other prompts, dealt
// at random, and against those of the nearest known prompts.
func (l *lead) yardsticks(ctx context.Context, exam understudy.Exam, known, unseen []asked) (shuffled, lookup float64, err error) {
	n := len(unseen)
	if n == 0 {
		return 0, 0, nil
	}
	dealt := make([]understudy.Answer, n)
	for to, from := range understudy.Deal(n) {
		dealt[to] = unseen[from].answer
	}
	looked := make([]understudy.Answer, n)
	for i, near := range neighbours(known, unseen) {
		if near.Index >= 0 {
			looked[i] = known[near.Index].answer
		}
	}
	if shuffled, err = l.agreement(ctx, exam.Metric, unseen, dealt); err != nil {
		return 0, 0, err
	}
	lookup, err = l.agreement(ctx, exam.Metric, unseen, looked)
	return shuffled, lookup, err
}

// agreement is the metric's score of answers to the unseen prompts: of all
// where that is a comparison of texts, else of yardstickPairs spread over them.
func (l *lead) agreement(ctx context.Context, metric understudy.Metric, unseen []asked, answers []understudy.Answer) (float64, error) {
	var sum float64
	if metric == understudy.MetricExact {
		for i, p := range unseen {
			if understudy.SameAnswer(p.answer, answers[i]) {
				sum++
			}
		}
		return sum / float64(len(unseen)), nil
	}
	var pairs []understudy.Comparison
	for i, p := range unseen {
		if (i+1)*yardstickPairs/len(unseen) > i*yardstickPairs/len(unseen) {
			pairs = append(pairs, understudy.Comparison{ID: p.id, Expected: p.answer.Canonical(), Actual: answers[i].Canonical()})
		}
	}
	likeness, err := l.Evaluator.Score(ctx, pairs)
	if err != nil {
		return 0, err
	}
	for _, s := range likeness {
		sum += s.Similarity
	}
	return sum / float64(len(likeness)), nil
}
