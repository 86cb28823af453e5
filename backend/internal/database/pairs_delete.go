package database

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// DeletePair deletes a pair, what was shadowed of it and every evaluation
// answer to it; models whose frozen set held it are marked, see FrozenBroken.
func (d *DB) DeletePair(ctx context.Context, id string) error {
	n, err := d.deletePairs(ctx, "delete pair "+id, "(id = ? OR (teacher_pair <> '' AND teacher_pair = ?))", []any{id, id}, purgeBatch)
	if err == nil && n == 0 {
		return understudy.Errorf(understudy.NotFound, "there is no pair %q", id)
	}
	return err
}

// DeleteUserPairs does the same to every pair of a user, in batches, and
// returns how many there were.
func (d *DB) DeleteUserPairs(ctx context.Context, endpoint, user string) (int64, error) {
	if user == "" {
		return 0, understudy.Errorf(understudy.Invalid, "user is empty: name the user whose pairs are to be deleted")
	}
	var all int64
	for {
		n, err := d.deletePairs(ctx, "delete a user's pairs", "endpoint = ? AND end_user = ?", []any{endpoint, storedUser(user)}, purgeBatch)
		all += n
		if err != nil || n < purgeBatch {
			return all, err
		}
	}
}

// PrunePairs deletes up to limit pairs that were made before a time, oldest
// first, and returns how many there were: fewer than limit means done. Pairs
// that a model is being trained or evaluated on stay until that is over.
func (d *DB) PrunePairs(ctx context.Context, endpoint string, before time.Time, limit int) (int64, error) {
	const busy = `NOT EXISTS (SELECT 1 FROM model_pairs AS f JOIN models AS m ON m.id = f.model_id
		WHERE f.pair_id = pairs.id AND m.phase IN ('training', 'downloading', 'llm_evaluation'))`
	return d.deletePairs(ctx, "prune pairs", "endpoint = ? AND id < ? AND "+busy, []any{endpoint, firstIDOf(before)}, limit)
}

// firstIDOf returns the least UUIDv7 of a time (RFC 9562: 48 bits of
// milliseconds come first).
func firstIDOf(t time.Time) string {
	ms := uint64(max(t.UnixMilli(), 0))
	b := []byte{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms)}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:] + "-7000-8000-000000000000"
}

func (d *DB) deletePairs(ctx context.Context, doing, where string, args []any, limit int) (int64, error) {
	var n int64
	err := d.tx(ctx, doing, func(tx *gorm.DB) error {
		var gone []struct {
			ID, Endpoint, Reason string
			Split                understudy.Split
			Teaches              bool
		}
		err := tx.Raw("DELETE FROM pairs WHERE id IN (SELECT id FROM pairs WHERE "+where+
			" ORDER BY id LIMIT ?) RETURNING id, endpoint, reason, split, teaches", append(args, limit)...).Scan(&gone).Error
		if err != nil {
			return err
		}
		n = int64(len(gone))
		sums := map[string]*counterRow{}
		ids := make([]string, len(gone))
		for i, g := range gone {
			ids[i] = g.ID
			if sums[g.Endpoint] == nil {
				sums[g.Endpoint] = &counterRow{}
			}
			sums[g.Endpoint].held(g.Reason == string(understudy.ReasonShadow), g.Teaches, g.Split, -1)
		}
		if n == 0 {
			return nil
		}
		for _, q := range []string{
			"UPDATE models SET frozen_broken = TRUE WHERE id IN (SELECT model_id FROM model_pairs WHERE pair_id IN ?)",
			"DELETE FROM model_pairs WHERE pair_id IN ?",
			"DELETE FROM eval_answers WHERE pair_id IN ?",
		} {
			if err := tx.Exec(q, ids).Error; err != nil {
				return err
			}
		}
		return addCounters(ctx, tx.Statement.ConnPool, d.dialect.placeholder, sums)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return n, nil
}
