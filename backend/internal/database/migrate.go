package database

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema up to date. Processes that start together take
// turns; each numbered step is one transaction.
func (d *DB) Migrate(ctx context.Context) error {
	return failed("migrate the database", d.dialect.migrating(ctx, d.writePool(), func() error {
		provider, err := d.provider()
		if err != nil {
			return fmt.Errorf("read the migrations: %w", err)
		}
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
		id := make([]byte, 4)
		_, _ = rand.Read(id)
		return d.write.WithContext(ctx).Exec("INSERT INTO platform (id, install_id) VALUES (1, ?) ON CONFLICT (id) DO NOTHING",
			hex.EncodeToString(id)).Error
	}))
}

func (d *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, d.dialect.folder())
	if err != nil {
		return nil, err
	}
	name := goose.DialectPostgres
	if _, ok := d.dialect.(sqliteDialect); ok {
		name = goose.DialectSQLite3
	}
	// A step may come into the code after a later one that was begun before it:
	// a database that has the later one takes it all the same.
	return goose.NewProvider(name, d.writePool(), files, goose.WithAllowOutofOrder(true))
}
