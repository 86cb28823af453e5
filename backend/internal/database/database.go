// Package database keeps the domain in PostgreSQL or, in local mode, in
// SQLite: rows and domain types convert at its edge, and no caller knows which
// of the two it is.
//
// Every method may be called from many goroutines and processes at once and
// blocks for the database only. Errors that a caller can act on are domain
// errors (NotFound, Conflict, Unavailable); a compare-and-set that lost is
// understudy.ErrStale. Nothing here announces a change to other processes:
// that is the caller's.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	understudy "understudy.dev/backend"
)

// DB is the platform's memory.
type DB struct {
	dialect dialect
	read    *gorm.DB // SQLite: a pool of readers; PostgreSQL: the same as write
	write   *gorm.DB // SQLite: one connection
	clock   func() time.Time
	logger  logger.Interface
}

// PairFilter and ModelFilter are the domain's.
type (
	PairFilter  = understudy.PairFilter
	ModelFilter = understudy.ModelFilter
)

// Option changes how a DB is opened.
type Option func(*DB)

// WithClock replaces time.Now, for tests.
func WithClock(now func() time.Time) Option { return func(d *DB) { d.clock = now } }

// WithTrace calls f after every statement of GORM's with the rows that it read
// or wrote, so that a test can hold a list to a number of them. f may be
// called from many goroutines at once.
func WithTrace(f func(sql string, rows int64)) Option {
	return func(d *DB) { d.logger = trace{logger.Discard, f} }
}

type trace struct {
	logger.Interface
	f func(sql string, rows int64)
}

func (t trace) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	t.f(statement())
}

// Open opens "sqlite:/path/file.db" (made if it is not there, its folder must
// be) or "postgres://…". It does not wait for a server to answer: see Ping.
func Open(ctx context.Context, url string, options ...Option) (*DB, error) {
	d := &DB{clock: time.Now, logger: logger.Discard} // errors are returned, and logged where they stop
	for _, o := range options {
		o(d)
	}
	if err := d.open(ctx, url); err != nil {
		return nil, err
	}
	return d, nil
}

// Ping returns nil when the database answers.
func (d *DB) Ping(ctx context.Context) error {
	return failed("reach the database", d.writePool().PingContext(ctx))
}

// Close closes every connection.
func (d *DB) Close() error {
	err := d.writePool().Close()
	if r := pool(d.read); r != d.writePool() {
		err = errors.Join(r.Close(), err)
	}
	return err
}

func (d *DB) writePool() *sql.DB { return pool(d.write) }

func pool(g *gorm.DB) *sql.DB {
	db, err := g.DB()
	if err != nil {
		panic(err) // only where the dialector is not one of ours
	}
	return db
}

// now is in UTC and no finer than what both databases keep.
func (d *DB) now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

func (d *DB) reader(ctx context.Context) *gorm.DB { return d.read.WithContext(ctx) }

// tx runs f in one writing transaction. f must use its argument alone: on
// SQLite there is no second writing connection to wait for.
func (d *DB) tx(ctx context.Context, doing string, f func(*gorm.DB) error) error {
	return failed(doing, d.write.WithContext(ctx).Transaction(f))
}

// failed says what could not be done; domain errors pass as they are.
func failed(doing string, err error) error {
	var domain *understudy.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &domain):
		return err
	case away(err):
		return &understudy.Error{Code: understudy.Unavailable, Message: doing + ": the database does not answer", Err: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
