package database

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
)

// insertBatch is how many rows one statement inserts.
const insertBatch = 500

// InsertPairs stores pairs and sums the endpoints' counters, up to 500 pairs a
// transaction. Pairs that are there already change nothing, so a batch whose
// outcome is unknown is simply given again; nor do pairs of an endpoint that was
// deleted meanwhile, which may have waited in a spool. An empty ID is filled in
// place.
func (d *DB) InsertPairs(ctx context.Context, pairs []understudy.Pair) error {
	for i := range pairs {
		if pairs[i].ID == "" {
			pairs[i].ID = newID()
		}
		if pairs[i].CreatedAt.IsZero() {
			pairs[i].CreatedAt = d.now()
		}
	}
	for batch := range slices.Chunk(pairs, insertBatch) {
		if err := d.insertPairs(ctx, batch); err != nil {
			return failed(fmt.Sprintf("insert %d pairs", len(batch)), err)
		}
	}
	return nil
}

func (d *DB) insertPairs(ctx context.Context, pairs []understudy.Pair) error {
	// By id: two processes that insert the same pairs never wait for each other
	// in a circle.
	pairs = slices.SortedStableFunc(slices.Values(pairs), func(a, b understudy.Pair) int { return cmp.Compare(a.ID, b.ID) })
	tx, err := d.writePool().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	there, err := d.holdEndpoints(ctx, tx, pairs)
	if err != nil {
		return err
	}
	pairs = slices.DeleteFunc(pairs, func(p understudy.Pair) bool { return !there[p.Endpoint] })
	if len(pairs) == 0 {
		return nil
	}
	rows := make([][]any, len(pairs))
	byID := make(map[string]int, len(pairs))
	for i, p := range pairs {
		rows[i] = pairValues(p)
		if _, twice := byID[p.ID]; !twice {
			byID[p.ID] = i // the first of two is the one that goes in
		}
	}
	ids, err := d.dialect.insertPairs(ctx, tx, rows)
	if err != nil {
		return err
	}
	sums, byDay := map[string]*counterRow{}, days{}
	for _, id := range ids {
		p := pairs[byID[id]]
		if sums[p.Endpoint] == nil {
			sums[p.Endpoint] = &counterRow{}
		}
		sums[p.Endpoint].count(p)
		byDay.of(p.Endpoint, p.CreatedAt).count(p)
	}
	if err := addCounters(ctx, tx, d.dialect.placeholder, sums); err != nil {
		return err
	}
	if err := addDays(ctx, tx, d.dialect.placeholder, byDay); err != nil {
		return err
	}
	return tx.Commit()
}

// holdEndpoints says which of the pairs' endpoints are there, and keeps them
// from being purged before tx ends.
func (d *DB) holdEndpoints(ctx context.Context, tx *sql.Tx, pairs []understudy.Pair) (map[string]bool, error) {
	var names []any
	var places []string
	there := map[string]bool{}
	for _, p := range pairs {
		if _, seen := there[p.Endpoint]; !seen {
			there[p.Endpoint] = false
			names = append(names, p.Endpoint)
			places = append(places, d.dialect.placeholder(len(names)))
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT name FROM endpoints WHERE name IN ("+strings.Join(places, ", ")+")"+d.dialect.keep(), names...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		there[name] = true
	}
	return there, rows.Err()
}
