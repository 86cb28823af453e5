package database

import (
	"fmt"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database/pgtest"
)

// BenchmarkInsertPairs stores batches of 500 pairs with 1 kB answers; the
// aim on SQLite is 5,000 rows a second.
func BenchmarkInsertPairs(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"SQLite": sqliteURL, "PostgreSQL": pgtest.URL} {
		b.Run(name, func(b *testing.B) {
			db := open(b, url(b))
			answer := strings.Repeat("0123456789abcdef", 64)
			batch := make([]understudy.Pair, insertBatch)
			rows := 0
			for b.Loop() {
				b.StopTimer()
				for i := range batch {
					batch[i] = pair("a", fmt.Sprint(rows+i, " ", answer[:400]), answer)
				}
				b.StartTimer()
				insert(b, db, batch...)
				rows += len(batch)
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
