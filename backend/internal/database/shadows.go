package database

import (
	"context"
	"errors"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// Shadows returns the ids of the SLM's answers to these sampled pairs, by the
// ids of the pairs; those that have none are left out.
func (d *DB) Shadows(ctx context.Context, pairs []string) (map[string]string, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	var rows []struct{ ID, TeacherPair string }
	err := d.reader(ctx).Raw("SELECT id, teacher_pair FROM pairs WHERE teacher_pair <> '' AND teacher_pair IN ? ORDER BY id", pairs).Scan(&rows).Error
	if err != nil {
		return nil, failed("find the SLM's answers to sampled pairs", err)
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.TeacherPair] = r.ID
	}
	return out, nil
}

// OtherSide returns the other answer to a sampled request: of the LLM's pair
// the SLM's, and of the SLM's the LLM's. NotFound where there is none.
func (d *DB) OtherSide(ctx context.Context, p understudy.Pair) (understudy.Pair, error) {
	if p.TeacherPair != "" {
		return d.Pair(ctx, p.TeacherPair)
	}
	var row pairRow
	err := d.reader(ctx).Where("teacher_pair <> '' AND teacher_pair = ?", p.ID).Order("id DESC").Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return understudy.Pair{}, understudy.Errorf(understudy.NotFound, "only one side answered this request: it was not sampled, or the SLM did not answer")
	}
	if err != nil {
		return understudy.Pair{}, failed("read the other answer to pair "+p.ID, err)
	}
	return row.domain()
}
