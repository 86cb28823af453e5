package database

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
)

type counterRow struct {
	Endpoint  string `gorm:"primaryKey"`
	Pairs     int64
	Train     int64
	Eval      int64
	LLM       int64 `gorm:"column:llm"`
	SLM       int64 `gorm:"column:slm"`
	Fallbacks int64
	Broken    int64
	TokensIn  int64
	TokensOut int64
	CostUSD   float64 `gorm:"column:cost_usd"`
	SavedUSD  float64 `gorm:"column:saved_usd"`
}

func (counterRow) TableName() string { return "endpoint_counters" }

func (r counterRow) domain() understudy.Counters {
	return understudy.Counters{Pairs: r.Pairs, Train: r.Train, Eval: r.Eval, LLM: r.LLM, SLM: r.SLM, Fallbacks: r.Fallbacks,
		Broken: r.Broken, TokensIn: r.TokensIn, TokensOut: r.TokensOut, CostUSD: r.CostUSD, SavedUSD: r.SavedUSD}
}

// Counters returns what is known of an endpoint's pairs: see the domain's type.
func (d *DB) Counters(ctx context.Context, endpoint string) (understudy.Counters, error) {
	var rows []counterRow
	if err := d.reader(ctx).Where("endpoint = ?", endpoint).Find(&rows).Error; err != nil {
		return understudy.Counters{}, failed("read the counters of "+endpoint, err)
	}
	if len(rows) == 0 {
		return understudy.Counters{}, nil
	}
	return rows[0].domain(), nil
}

// CountersAll returns the counters of every endpoint that has pairs, by name.
func (d *DB) CountersAll(ctx context.Context) (map[string]understudy.Counters, error) {
	var rows []counterRow
	if err := d.reader(ctx).Find(&rows).Error; err != nil {
		return nil, failed("read the counters", err)
	}
	out := make(map[string]understudy.Counters, len(rows))
	for _, r := range rows {
		out[r.Endpoint] = r.domain()
	}
	return out, nil
}

// count adds a pair that was inserted.
func (r *counterRow) count(p understudy.Pair) {
	r.held(p.Reason == understudy.ReasonShadow, p.Teaches(), p.Split, 1)
	switch {
	case p.Reason == understudy.ReasonShadow, p.Reason == understudy.ReasonImport:
		return // nobody's request was answered
	case p.Source == understudy.SourceSLM:
		r.SLM++
		r.SavedUSD += finite(p.CostUSD)
	default:
		r.LLM++
		r.CostUSD += finite(p.CostUSD)
	}
	r.TokensIn += int64(p.TokensIn)
	r.TokensOut += int64(p.TokensOut)
	if p.Reason == understudy.ReasonFallback {
		r.Fallbacks++
	}
	if !p.Complete {
		r.Broken++
	}
}

// held counts n pairs of a kind that are there, or with n < 0 are gone.
func (r *counterRow) held(shadow, teaches bool, split understudy.Split, n int64) {
	if !shadow {
		r.Pairs += n
	}
	switch {
	case teaches && split == understudy.SplitEval:
		r.Eval += n
	case teaches:
		r.Train += n
	}
}

// addCounters is the last statement of its transaction, in the order of names,
// so that two transactions never wait for each other.
func addCounters(ctx context.Context, tx execer, placeholder func(int) string, sums map[string]*counterRow) error {
	for _, endpoint := range slices.Sorted(maps.Keys(sums)) {
		s := sums[endpoint]
		names := []string{"pairs", "train", "eval", "llm", "slm", "fallbacks", "broken", "tokens_in", "tokens_out", "cost_usd", "saved_usd"}
		args := []any{endpoint, s.Pairs, s.Train, s.Eval, s.LLM, s.SLM, s.Fallbacks, s.Broken, s.TokensIn, s.TokensOut, s.CostUSD, s.SavedUSD}
		values, sets := []string{placeholder(1)}, []string{}
		for i, n := range names {
			values = append(values, placeholder(i+2))
			sets = append(sets, fmt.Sprintf("%s = endpoint_counters.%s + excluded.%s", n, n, n))
		}
		q := "INSERT INTO endpoint_counters (endpoint, " + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") +
			") ON CONFLICT (endpoint) DO UPDATE SET " + strings.Join(sets, ", ")
		if _, err := tx.ExecContext(ctx, q, args...); err != nil {
			return err
		}
	}
	return nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
