// Package pgtest gives a test a real PostgreSQL database of its own.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

var (
	once    sync.Once
	running *server
	failed  error
	number  atomic.Int64
)

// URL returns the postgres:// URL of a new, empty database, dropped at the
// test's end. The first call of a test process starts a server; it ends, and
// its files go, with the process.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() { running, failed = start() })
	if failed != nil {
		t.Fatalf("start PostgreSQL: %v", failed)
	}
	name := fmt.Sprintf("t%d", number.Add(1))
	admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return running.url(name)
}

func admin(t testing.TB, query string) {
	t.Helper()
	db, err := sql.Open("pgx", running.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), query); err != nil {
		t.Errorf("%s: %v", strings.Fields(query)[0], err)
	}
}
