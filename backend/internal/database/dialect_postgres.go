package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

type postgresDialect struct{}

// Keys of advisory locks, known to every process on the same database.
const (
	lockMigrate int64 = 0x756e6465_0001 + iota
	lockStage
	lockEvents
)

func (postgresDialect) folder() string { return "migrations/postgres" }

func (postgresDialect) migrating(ctx context.Context, db *sql.DB, f func() error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lockMigrate); err != nil {
		return fmt.Errorf("take the migration lock: %w", err)
	}
	defer func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.ExecContext(back, "SELECT pg_advisory_unlock($1)", lockMigrate)
	}()
	return f()
}

func (postgresDialect) lock(tx *gorm.DB, key int64) error {
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", key).Error
}

func (postgresDialect) share() string { return " FOR SHARE" }

func (postgresDialect) keep() string { return " FOR KEY SHARE" }

func (postgresDialect) contains(column string) string { return column + ` ILIKE ? ESCAPE '\'` }

// insertPairs passes one array a column: one statement for any number of rows,
// so that the server keeps one plan.
func (postgresDialect) insertPairs(ctx context.Context, tx *sql.Tx, rows [][]any) ([]string, error) {
	args := make([]any, len(pairColumns))
	for c := range pairColumns {
		switch rows[0][c].(type) {
		case string:
			args[c] = column[string](rows, c)
		case int64:
			args[c] = column[int64](rows, c)
		case float64:
			args[c] = column[float64](rows, c)
		case bool:
			args[c] = column[bool](rows, c)
		case time.Time:
			args[c] = column[time.Time](rows, c)
		default:
			return nil, fmt.Errorf("column %s has a value of type %T", pairColumns[c].name, rows[0][c])
		}
	}
	return queryIDs(ctx, tx, postgresInsert, args)
}

func column[T any](rows [][]any, c int) []T {
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = rows[i][c].(T)
	}
	return out
}

var postgresInsert = func() string {
	var arrays []string
	for i, c := range pairColumns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, c.postgres))
	}
	return "INSERT INTO pairs (" + pairColumnNames + ") SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")" +
		" ON CONFLICT (id) DO NOTHING RETURNING id"
}()

func (postgresDialect) placeholder(n int) string { return fmt.Sprintf("$%d", n) }
