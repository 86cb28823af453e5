package database

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// MaxSeen is how many answers Seen looks at: the newest.
const MaxSeen = 50_000

// Seen returns the answers of an endpoint, or ("") of all, since a time,
// newest first, without their words; at most limit of them (0 = MaxSeen).
// Ids sort by time, so that it reads a range of an index.
func (d *DB) Seen(ctx context.Context, endpoint string, since time.Time, limit int) ([]understudy.Seen, error) {
	if limit <= 0 || limit > MaxSeen {
		limit = MaxSeen
	}
	q := d.reader(ctx).Table("pairs").Select("endpoint, created_at, source, reason, latency_us, complete").Where("id >= ?", firstIDOf(since))
	if endpoint != "" {
		q = q.Where("endpoint = ?", endpoint)
	}
	rows, err := q.Order("id DESC").Limit(limit).Rows()
	if err != nil {
		return nil, failed("read the traffic", err)
	}
	defer rows.Close()
	var all []understudy.Seen
	for rows.Next() {
		var s understudy.Seen
		var us int64
		if err := rows.Scan(&s.Endpoint, &s.At, &s.Source, &s.Reason, &us, &s.Complete); err != nil {
			return nil, failed("read the traffic", err)
		}
		s.At, s.Latency = s.At.UTC(), time.Duration(us)*time.Microsecond
		all = append(all, s)
	}
	return all, failed("read the traffic", rows.Err())
}
