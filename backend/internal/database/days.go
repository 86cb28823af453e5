package database

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

type dayRow struct {
	Endpoint     string `gorm:"primaryKey"`
	Day          string `gorm:"primaryKey"`
	LLM          int64  `gorm:"column:llm"`
	SLM          int64  `gorm:"column:slm"`
	Sample       int64
	Fallbacks    int64
	Shadows      int64
	Guessed      int64
	LLMTokensIn  int64   `gorm:"column:llm_tokens_in"`
	LLMTokensOut int64   `gorm:"column:llm_tokens_out"`
	SLMTokensIn  int64   `gorm:"column:slm_tokens_in"`
	SLMTokensOut int64   `gorm:"column:slm_tokens_out"`
	LLMUSD       float64 `gorm:"column:llm_usd"`
	SLMUSD       float64 `gorm:"column:slm_usd"`
	SampleUSD    float64 `gorm:"column:sample_usd"`
	ShadowUSD    float64 `gorm:"column:shadow_usd"`
	SampleUSD2   float64 `gorm:"column:sample_usd2"`
	ShadowUSD2   float64 `gorm:"column:shadow_usd2"`
	SLMUs        int64   `gorm:"column:slm_us"`
	CPUUs        int64   `gorm:"column:cpu_us"`
	PodsUs       int64   `gorm:"column:pods_us"`
}

func (dayRow) TableName() string { return "endpoint_days" }

func (r dayRow) domain() (understudy.DayFacts, error) {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	return understudy.DayFacts{
		Endpoint: r.Endpoint, Day: r.Day, LLM: r.LLM, SLM: r.SLM, Sample: r.Sample, Fallbacks: r.Fallbacks, Shadows: r.Shadows, Guessed: r.Guessed,
		LLMTokensIn: r.LLMTokensIn, LLMTokensOut: r.LLMTokensOut, SLMTokensIn: r.SLMTokensIn, SLMTokensOut: r.SLMTokensOut,
		LLMUSD: r.LLMUSD, SLMUSD: r.SLMUSD, SampleUSD: r.SampleUSD, ShadowUSD: r.ShadowUSD, SampleUSD2: r.SampleUSD2, ShadowUSD2: r.ShadowUSD2,
		SLMTime: us(r.SLMUs), CPU: us(r.CPUUs), Pods: us(r.PodsUs),
	}, nil
}

// count adds a pair that was inserted.
func (r *dayRow) count(p understudy.Pair) {
	usd, in, out := finite(p.CostUSD), int64(p.TokensIn), int64(p.TokensOut)
	switch {
	case p.Reason == understudy.ReasonImport:
		return
	case p.Reason == understudy.ReasonShadow:
		r.Shadows++
		r.ShadowUSD += usd
		r.ShadowUSD2 += usd * usd
		r.SLMUs += p.Latency.Microseconds()
		return
	case p.Source == understudy.SourceSLM:
		r.SLM++
		r.SLMTokensIn, r.SLMTokensOut = r.SLMTokensIn+in, r.SLMTokensOut+out
		r.SLMUSD += usd
		r.SLMUs += p.Latency.Microseconds()
	default:
		r.LLM++
		r.LLMTokensIn, r.LLMTokensOut = r.LLMTokensIn+in, r.LLMTokensOut+out
		r.LLMUSD += usd
	}
	switch p.Reason {
	case understudy.ReasonSample:
		r.Sample++
		r.SampleUSD += usd
		r.SampleUSD2 += usd * usd
	case understudy.ReasonFallback:
		r.Fallbacks++
	}
	if !p.Counted {
		r.Guessed++
	}
}

// days are sums that a transaction adds up, by endpoint and day.
type days map[[2]string]*dayRow

func (d days) of(endpoint string, at time.Time) *dayRow {
	key := [2]string{endpoint, at.UTC().Format(time.DateOnly)}
	if d[key] == nil {
		d[key] = &dayRow{Endpoint: key[0], Day: key[1]}
	}
	return d[key]
}

// addDays comes after addCounters, in the order of its keys, so that two
// transactions never wait for each other in a circle.
func addDays(ctx context.Context, tx execer, placeholder func(int) string, sums days) error {
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, k := range keys {
		r := sums[k]
		if *r == (dayRow{Endpoint: k[0], Day: k[1]}) {
			continue
		}
		args := []any{r.Endpoint, r.Day, r.LLM, r.SLM, r.Sample, r.Fallbacks, r.Shadows, r.Guessed,
			r.LLMTokensIn, r.LLMTokensOut, r.SLMTokensIn, r.SLMTokensOut, r.LLMUSD, r.SLMUSD,
			r.SampleUSD, r.ShadowUSD, r.SampleUSD2, r.ShadowUSD2, r.SLMUs, r.CPUUs, r.PodsUs}
		values, sets := []string{placeholder(1), placeholder(2)}, []string{}
		for i, n := range daySums {
			values = append(values, placeholder(i+3))
			sets = append(sets, fmt.Sprintf("%s = endpoint_days.%s + excluded.%s", n, n, n))
		}
		q := "INSERT INTO endpoint_days (endpoint, day, " + strings.Join(daySums, ", ") + ") VALUES (" + strings.Join(values, ", ") +
			") ON CONFLICT (endpoint, day) DO UPDATE SET " + strings.Join(sets, ", ")
		if _, err := tx.ExecContext(ctx, q, args...); err != nil {
			return err
		}
	}
	return nil
}

var daySums = []string{"llm", "slm", "sample", "fallbacks", "shadows", "guessed", "llm_tokens_in", "llm_tokens_out", "slm_tokens_in", "slm_tokens_out",
	"llm_usd", "slm_usd", "sample_usd", "shadow_usd", "sample_usd2", "shadow_usd2", "slm_us", "cpu_us", "pods_us"}

// AddUsage adds processor time and ready time of an endpoint's SLM pods to the
// day of at.
func (d *DB) AddUsage(ctx context.Context, endpoint string, at time.Time, cpu, pods time.Duration) error {
	sums := days{}
	r := sums.of(endpoint, at)
	r.CPUUs, r.PodsUs = cpu.Microseconds(), pods.Microseconds()
	return d.tx(ctx, "store what the pods of "+endpoint+" used", func(tx *gorm.DB) error {
		return addDays(ctx, tx.Statement.ConnPool, d.dialect.placeholder, sums)
	})
}

// Days returns what was measured since a day, of one endpoint or ("") of all,
// by endpoint and day.
func (d *DB) Days(ctx context.Context, endpoint string, since time.Time) ([]understudy.DayFacts, error) {
	q := d.reader(ctx).Where("day >= ?", since.UTC().Format(time.DateOnly))
	if endpoint != "" {
		q = q.Where("endpoint = ?", endpoint)
	}
	var rows []dayRow
	if err := q.Order("endpoint, day").Find(&rows).Error; err != nil {
		return nil, failed("read the ledger's days", err)
	}
	return each(rows, dayRow.domain)
}
