package database

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	understudy "understudy.dev/backend"
)

type answerRow struct {
	ModelID      string `gorm:"primaryKey"`
	Attempt      int    `gorm:"primaryKey"`
	Seq          int64  `gorm:"primaryKey"`
	PairID       string
	Variant      string
	MaxTokens    int
	Answered     bool
	Text         string
	ToolCalls    string
	FinishReason string
	TokensIn     int
	TokensOut    int
	LatencyUs    int64
	Error        string
	Similarity   *float64
	Exact        *bool
	Near         *bool
	LookupExact  *bool
}

func (answerRow) TableName() string { return "eval_answers" }

func (r answerRow) domain() (understudy.EvalAnswer, error) {
	return understudy.EvalAnswer{
		PairID: r.PairID, Variant: r.Variant,
		Answer:   understudy.Answer{Text: r.Text, ToolCalls: raw(r.ToolCalls), FinishReason: r.FinishReason},
		TokensIn: r.TokensIn, TokensOut: r.TokensOut, Latency: time.Duration(r.LatencyUs) * time.Microsecond, Error: r.Error,
		Similarity: r.Similarity, Exact: r.Exact, Near: r.Near, LookupExact: r.LookupExact,
	}, nil
}

// StartEvaluation lays out what an attempt has to answer: every frozen eval
// pair by the tuned model, and baseSample of them, spread evenly, by its
// untrained base. It does nothing where that was done; without eval pairs it
// is a Conflict.
func (d *DB) StartEvaluation(ctx context.Context, epoch int64, modelID string, attempt, baseSample int) error {
	return d.tx(ctx, "start an evaluation", func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		var there int64
		if err := tx.Model(&answerRow{}).Where("model_id = ? AND attempt = ?", modelID, attempt).Limit(1).Count(&there).Error; err != nil || there > 0 {
			return err
		}
		var pairs []understudy.Pair
		longest := 0
		err := eachFrozen(tx, modelID, understudy.SplitEval, func(p understudy.Pair) error {
			longest = max(longest, answerTokens(p))
			p.Request, p.Answer = nil, understudy.Answer{}
			pairs = append(pairs, p)
			return nil
		})
		if err != nil {
			return err
		}
		if len(pairs) == 0 {
			return understudy.Errorf(understudy.Conflict, "the model has no eval pairs: nothing to examine it with")
		}
		return tx.CreateInBatches(layOut(modelID, attempt, pairs, baseSample, longest), 500).Error
	})
}

func layOut(modelID string, attempt int, pairs []understudy.Pair, baseSample, longest int) []answerRow {
	baseSample = min(max(baseSample, 0), len(pairs))
	var rows []answerRow
	add := func(pair, variant string, maxTokens int) {
		rows = append(rows, answerRow{ModelID: modelID, Attempt: attempt, Seq: int64(len(rows) + 1), PairID: pair, Variant: variant, MaxTokens: maxTokens})
	}
	for i, p := range pairs {
		// Room for an answer that is longer than any expected: it is wrong
		// already, and need not be finished.
		add(p.ID, understudy.VariantTuned, 3*longest+64)
		if (i+1)*baseSample/len(pairs) > i*baseSample/len(pairs) {
			add(p.ID, understudy.VariantBase, 2*longest)
		}
	}
	return rows
}

// answerTokens estimates how many tokens an SLM needs for the expected answer;
// its tokenizer may cut finer than the LLM's, so 3 bytes a token are the least.
func answerTokens(p understudy.Pair) int {
	return max(p.TokensOut, (len(p.Answer.Text)+len(p.Answer.ToolCalls))/3+1)
}

// EvalPrompts returns up to limit unanswered prompts after a seq, with how
// many there are in all and how many of them have no answer yet. NotFound
// where the evaluation was not started.
func (d *DB) EvalPrompts(ctx context.Context, modelID string, attempt int, after int64, limit int) (prompts []understudy.EvalPrompt, total, remaining int, err error) {
	g := d.reader(ctx)
	err = g.Raw("SELECT COUNT(*), COUNT(CASE WHEN answered THEN NULL ELSE 1 END) FROM eval_answers WHERE model_id = ? AND attempt = ?", modelID, attempt).
		Row().Scan(&total, &remaining)
	if err != nil {
		return nil, 0, 0, failed("count the evaluation's prompts", err)
	}
	if total == 0 {
		return nil, 0, 0, understudy.Errorf(understudy.NotFound, "model %s has no evaluation %d", modelID, attempt)
	}
	var rows []struct {
		Seq       int64
		PairID    string
		Variant   string
		MaxTokens int
		Request   string
	}
	err = g.Raw(`SELECT a.seq, a.pair_id, a.variant, a.max_tokens, p.request FROM eval_answers AS a JOIN pairs AS p ON p.id = a.pair_id
		WHERE a.model_id = ? AND a.attempt = ? AND a.seq > ? AND NOT a.answered ORDER BY a.seq LIMIT ?`, modelID, attempt, after, page(limit)).Scan(&rows).Error
	if err != nil {
		return nil, 0, 0, failed("read the evaluation's prompts", err)
	}
	for _, r := range rows {
		prompts = append(prompts, understudy.EvalPrompt{Seq: r.Seq, PairID: r.PairID, Variant: r.Variant, MaxTokens: r.MaxTokens, Request: evalRequest(r.Request)})
	}
	return prompts, total, remaining, nil
}

// evalRequest asks for the answer that is judged: one, whole, without chance.
func evalRequest(stored string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(stored), &fields) != nil {
		return json.RawMessage(stored)
	}
	for _, f := range []string{"model", "n", "stream", "stream_options", "max_tokens", "max_completion_tokens", "user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key"} {
		delete(fields, f)
	}
	fields["temperature"] = json.RawMessage("0")
	return json.RawMessage(asJSON(fields))
}

// PutAnswers stores answers by pair and variant, in place of earlier ones.
// Answers to what was not asked (a pair deleted meanwhile) are passed over.
func (d *DB) PutAnswers(ctx context.Context, modelID string, attempt int, answers []understudy.EvalAnswer) error {
	return d.tx(ctx, "store the evaluation's answers", func(tx *gorm.DB) error {
		for _, a := range answers {
			err := tx.Exec(`UPDATE eval_answers SET answered = TRUE, text = ?, tool_calls = ?, finish_reason = ?, tokens_in = ?, tokens_out = ?, latency_us = ?, error = ?,
				similarity = NULL, exact = NULL, near = NULL, lookup_exact = NULL
				WHERE model_id = ? AND attempt = ? AND pair_id = ? AND variant = ?`,
				text(a.Answer.Text), text(string(a.Answer.ToolCalls)), text(a.Answer.FinishReason), a.TokensIn, a.TokensOut, a.Latency.Microseconds(), text(a.Error),
				modelID, attempt, a.PairID, a.Variant).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// EvalAnswers returns the answers that there are, in the order of the prompts.
func (d *DB) EvalAnswers(ctx context.Context, modelID string, attempt int) ([]understudy.EvalAnswer, error) {
	var rows []answerRow
	if err := d.reader(ctx).Where("model_id = ? AND attempt = ? AND answered", modelID, attempt).Order("seq").Find(&rows).Error; err != nil {
		return nil, failed("read the evaluation's answers", err)
	}
	return each(rows, answerRow.domain)
}

// EvalScores is EvalAnswers of a variant without words: only what histograms
// are made of.
func (d *DB) EvalScores(ctx context.Context, modelID string, attempt int, variant string) ([]understudy.EvalAnswer, error) {
	var rows []answerRow
	err := d.reader(ctx).Select("pair_id, variant, error, similarity, exact").
		Where("model_id = ? AND attempt = ? AND variant = ? AND answered", modelID, attempt, variant).Find(&rows).Error
	if err != nil {
		return nil, failed("read the evaluation's scores", err)
	}
	return each(rows, answerRow.domain)
}

// PutScores stores Similarity, Exact, Near and LookupExact of answers, by pair
// and variant.
func (d *DB) PutScores(ctx context.Context, modelID string, attempt int, answers []understudy.EvalAnswer) error {
	return d.tx(ctx, "store the evaluation's scores", func(tx *gorm.DB) error {
		for _, a := range answers {
			err := tx.Exec(`UPDATE eval_answers SET similarity = ?, exact = ?, near = ?, lookup_exact = ?
				WHERE model_id = ? AND attempt = ? AND pair_id = ? AND variant = ?`,
				a.Similarity, a.Exact, a.Near, a.LookupExact, modelID, attempt, a.PairID, a.Variant).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type evaluationRow struct {
	ModelID       string `gorm:"primaryKey"`
	Attempt       int    `gorm:"primaryKey"`
	Metric        string
	N             int
	Score         float64
	LowerBound    float64
	Alpha         float64
	Threshold     float64
	Verdict       string
	Reason        string
	Identical     int
	Close         int
	Different     int
	Errors        int
	BaseN         int
	BaseScore     float64
	ShuffledScore float64
	LookupScore   float64
	NearN         int
	FarN          int
	NearScore     float64
	FarScore      float64
	MeanLatencyUs int64
	StartedAt     time.Time
	EndedAt       time.Time
}

func (evaluationRow) TableName() string { return "evaluations" }

func rowOfEvaluation(e understudy.Evaluation) evaluationRow {
	return evaluationRow{
		ModelID: e.ModelID, Attempt: e.Attempt, Metric: string(e.Metric), N: e.N, Score: finite(e.Score), LowerBound: finite(e.Lower),
		Alpha: finite(e.Alpha), Threshold: finite(e.Threshold), Verdict: string(e.Verdict), Reason: text(e.Reason),
		Identical: e.Identical, Close: e.Close, Different: e.Different, Errors: e.Errors,
		BaseN: e.BaseN, BaseScore: finite(e.BaseScore), ShuffledScore: finite(e.ShuffledScore), LookupScore: finite(e.LookupScore),
		NearN: e.NearN, FarN: e.FarN, NearScore: finite(e.NearScore), FarScore: finite(e.FarScore),
		MeanLatencyUs: e.MeanLatency.Microseconds(), StartedAt: *utc(&e.StartedAt), EndedAt: *utc(&e.EndedAt),
	}
}

func (r evaluationRow) domain() (understudy.Evaluation, error) {
	return understudy.Evaluation{
		ModelID: r.ModelID, Attempt: r.Attempt, Metric: understudy.Metric(r.Metric), N: r.N, Score: r.Score, Lower: r.LowerBound,
		Alpha: r.Alpha, Threshold: r.Threshold, Verdict: understudy.Verdict(r.Verdict), Reason: r.Reason,
		Identical: r.Identical, Close: r.Close, Different: r.Different, Errors: r.Errors,
		BaseN: r.BaseN, BaseScore: r.BaseScore, ShuffledScore: r.ShuffledScore, LookupScore: r.LookupScore,
		NearN: r.NearN, FarN: r.FarN, NearScore: r.NearScore, FarScore: r.FarScore,
		MeanLatency: time.Duration(r.MeanLatencyUs) * time.Microsecond, StartedAt: r.StartedAt.UTC(), EndedAt: r.EndedAt.UTC(),
	}, nil
}

// PutEvaluation stores a verdict's record, in place of one of the same attempt.
func (d *DB) PutEvaluation(ctx context.Context, epoch int64, e understudy.Evaluation) error {
	return d.tx(ctx, "store an evaluation", func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		row := rowOfEvaluation(e)
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
}

// Evaluations returns a model's verdicts, oldest first.
func (d *DB) Evaluations(ctx context.Context, modelID string) ([]understudy.Evaluation, error) {
	var rows []evaluationRow
	if err := d.reader(ctx).Where("model_id = ?", modelID).Order("attempt").Find(&rows).Error; err != nil {
		return nil, failed("read the evaluations", err)
	}
	return each(rows, evaluationRow.domain)
}
