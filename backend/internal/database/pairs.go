package database

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// Pair returns a pair, NotFound where there is none.
func (d *DB) Pair(ctx context.Context, id string) (understudy.Pair, error) {
	var row pairRow
	err := d.reader(ctx).Where("id = ?", id).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return understudy.Pair{}, understudy.Errorf(understudy.NotFound, "there is no pair %q", id)
	}
	if err != nil {
		return understudy.Pair{}, failed("read pair "+id, err)
	}
	return row.domain()
}

// Pairs returns a page of pairs and the cursor of the next one, "" on the last:
// what to give as Before next, or as After where After was given.
func (d *DB) Pairs(ctx context.Context, f PairFilter) (pairs []understudy.Pair, next string, err error) {
	q := d.reader(ctx)
	for _, c := range []struct{ column, value string }{
		{"endpoint", f.Endpoint}, {"source", string(f.Source)}, {"split", string(f.Split)}, {"reason", string(f.Reason)},
		{"model_id", f.ModelID},
	} {
		if c.value != "" {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	if f.User != "" {
		q = q.Where("end_user = ?", storedUser(f.User))
	}
	if f.Search != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text(f.Search)) + "%"
		q = q.Where("("+d.dialect.contains("request")+" OR "+d.dialect.contains("answer_text")+")", like, like)
	}
	if f.Before != "" {
		q = q.Where("id < ?", f.Before)
	}
	if f.After != "" {
		q = q.Where("id > ?", f.After).Order("id")
	} else {
		q = q.Order("id DESC")
	}
	limit := page(f.Limit)
	var rows []pairRow
	if err := q.Limit(limit + 1).Find(&rows).Error; err != nil {
		return nil, "", failed("list pairs", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	pairs, err = each(rows, pairRow.domain)
	return pairs, next, err
}

// FirstPair is an After that begins with the oldest pair.
const FirstPair = "0"

// teachingBound is how many of the newest teaching pairs of a split are looked at.
const teachingBound = 20_000

// TeachingSince counts the distinct prompts of pairs that teach (train) and
// test (eval) and are newer than a pair's id ("" = all), among the newest
// 20,000 of each split.
func (d *DB) TeachingSince(ctx context.Context, endpoint, afterPairID string) (train, eval int64, err error) {
	const q = "SELECT COUNT(DISTINCT prompt) FROM (SELECT prompt FROM pairs" +
		" WHERE endpoint = ? AND split = ? AND teaches AND id > ? ORDER BY id DESC LIMIT ?) AS newest"
	doing := "count the pairs of " + endpoint + " that teach"
	train, err = scalar[int64](d.reader(ctx), doing, q, endpoint, understudy.SplitTrain, afterPairID, teachingBound)
	if err != nil {
		return 0, 0, err
	}
	eval, err = scalar[int64](d.reader(ctx), doing, q, endpoint, understudy.SplitEval, afterPairID, teachingBound)
	return train, eval, err
}

// Samples returns what the deployed model answered in the shadow beside what
// the LLM answered to the same requests, the newest 500 first, and the metric
// it is compared by: that of the model's last exam, else the endpoint's. None
// where nothing is deployed.
func (d *DB) Samples(ctx context.Context, endpoint string) (metric understudy.Metric, samples []understudy.Sample, err error) {
	model, err := scalar[string](d.reader(ctx), "find the model on stage of "+endpoint,
		"SELECT COALESCE((SELECT id FROM models WHERE endpoint = ? AND phase = ?), '')", endpoint, understudy.Deployed)
	if err != nil || model == "" {
		return "", nil, err
	}
	metric, err = scalar[understudy.Metric](d.reader(ctx), "read the metric of "+endpoint, `SELECT COALESCE(
		(SELECT metric FROM evaluations WHERE model_id = ? AND n > 0 ORDER BY attempt DESC LIMIT 1),
		(SELECT metric FROM endpoints WHERE name = ?), '')`, model, endpoint)
	if err != nil {
		return "", nil, err
	}
	var rows []struct{ ID, AText, ACalls, BText, BCalls string }
	err = d.reader(ctx).Raw(`SELECT s.id, t.answer_text AS a_text, t.answer_tool_calls AS a_calls, s.answer_text AS b_text, s.answer_tool_calls AS b_calls
		FROM (SELECT id, teacher_pair, answer_text, answer_tool_calls FROM pairs
		      WHERE model_id = ? AND reason = 'shadow' ORDER BY id DESC LIMIT 500) AS s
		JOIN pairs AS t ON t.id = s.teacher_pair
		WHERE t.complete ORDER BY s.id DESC`, model).Scan(&rows).Error
	for _, r := range rows {
		samples = append(samples, understudy.Sample{
			ID: r.ID, LLM: understudy.Answer{Text: r.AText, ToolCalls: raw(r.ACalls)}, SLM: understudy.Answer{Text: r.BText, ToolCalls: raw(r.BCalls)},
		})
	}
	return metric, samples, failed("read the sampled answers of "+endpoint, err)
}
