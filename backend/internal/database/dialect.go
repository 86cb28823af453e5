package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// dialect is what differs between the two databases; its two implementations
// are in dialect_sqlite.go and dialect_postgres.go.
type dialect interface {
	// migrating runs f while no other process migrates.
	migrating(ctx context.Context, write *sql.DB, f func() error) error
	folder() string // of the migrations
	// lock makes other transactions that lock the same key wait for tx's end.
	lock(tx *gorm.DB, key int64) error
	// share is a suffix of SELECT that keeps rows as they are until tx's end.
	// snapshot are the options of a transaction whose reads see one moment.
	snapshot() *sql.TxOptions
	share() string
	// keep is one that only keeps rows from being deleted.
	keep() string
	// contains is a condition on a column, letter case ignored; its argument
	// is a LIKE pattern escaped with a backslash.
	contains(column string) string
	placeholder(n int) string // of the n-th argument, from 1
	insertPairs(ctx context.Context, tx *sql.Tx, rows [][]any) (ids []string, err error)
}

func (d *DB) open(ctx context.Context, raw string) error {
	switch scheme, rest, _ := strings.Cut(raw, ":"); scheme {
	case "sqlite":
		return d.openSQLite(strings.TrimPrefix(rest, "//"))
	case "postgres", "postgresql":
		return d.openPostgres(raw)
	default:
		return understudy.Errorf(understudy.Invalid, "DATABASE_URL begins with %q: use sqlite:/path/file.db or postgres://user:password@host/database", scheme+":")
	}
}

func (d *DB) openSQLite(path string) error {
	if path == "" {
		return understudy.Errorf(understudy.Invalid, "DATABASE_URL names no file: use sqlite:/path/file.db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find the database file: %w", err)
	}
	// The file holds people's conversations: its owner's alone.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the database file: %w", err)
	}
	f.Close()
	d.dialect = sqliteDialect{path: path}
	dsn := func(txlock string, pragmas ...string) string {
		q := url.Values{"_txlock": {txlock}}
		for _, p := range append(pragmas, "busy_timeout(10000)") {
			q.Add("_pragma", p)
		}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	// synchronous=normal: a killed process loses nothing; a power cut loses at
	// most the last commits and never damages the file.
	d.write, err = gorm.Open(sqlite.Open(dsn("immediate", "journal_mode(wal)", "synchronous(normal)")), d.gormConfig())
	if err != nil {
		return fmt.Errorf("open the database file %s: %w", path, err)
	}
	pool(d.write).SetMaxOpenConns(1)
	d.read, err = gorm.Open(sqlite.Open(dsn("deferred", "query_only(1)")), d.gormConfig())
	if err != nil {
		return errors.Join(fmt.Errorf("open the database file %s to read: %w", path, err), pool(d.write).Close())
	}
	pool(d.read).SetMaxOpenConns(4)
	pool(d.read).SetMaxIdleConns(4)
	return nil
}

func (d *DB) openPostgres(raw string) error {
	d.dialect = postgresDialect{}
	config := d.gormConfig()
	config.DisableAutomaticPing = true
	g, err := gorm.Open(postgres.Open(raw), config)
	if err != nil {
		// pgx's message may hold the URL with its password.
		return understudy.Errorf(understudy.Invalid, "DATABASE_URL is not a PostgreSQL URL such as postgres://user:password@host/database")
	}
	pool(g).SetMaxOpenConns(20)
	pool(g).SetMaxIdleConns(10)
	pool(g).SetConnMaxLifetime(30 * time.Minute)
	d.write, d.read = g, g
	return nil
}

func (d *DB) gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		Logger:                 d.logger,
		NowFunc:                func() time.Time { return time.Now().UTC() },
	}
}

// away reports whether err says that the database cannot be reached.
func away(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &pg):
		// classes 08 connection, 53 resources, 57 operator intervention
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P")
	}
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
