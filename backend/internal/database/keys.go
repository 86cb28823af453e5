package database

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

type keyRow struct {
	ID              string `gorm:"primaryKey"`
	Name            string
	Hash            string
	Prefix          string
	DefaultEndpoint string
	CreatedAt       time.Time `gorm:"autoCreateTime:false"`
}

func (keyRow) TableName() string { return "client_keys" }

func (r keyRow) domain() understudy.Key {
	return understudy.Key{ID: r.ID, Name: r.Name, Hash: r.Hash, Prefix: r.Prefix, DefaultEndpoint: r.DefaultEndpoint, CreatedAt: r.CreatedAt.UTC()}
}

// newID returns a UUIDv7: ids sort by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// CreateKey stores a key's record. An empty ID is filled. A hash that is
// there already changes nothing and returns the stored record.
func (d *DB) CreateKey(ctx context.Context, k understudy.Key) (understudy.Key, error) {
	if k.ID == "" {
		k.ID = newID()
	}
	k.CreatedAt = d.now()
	err := d.tx(ctx, "create a key", func(tx *gorm.DB) error {
		var have []keyRow
		if err := tx.Where("hash = ?", k.Hash).Limit(1).Find(&have).Error; err != nil {
			return err
		}
		if len(have) > 0 {
			k = have[0].domain()
			return nil
		}
		row := keyRow{ID: k.ID, Name: text(k.Name), Hash: k.Hash, Prefix: text(k.Prefix), DefaultEndpoint: text(k.DefaultEndpoint), CreatedAt: k.CreatedAt}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		_, err := raiseRoute(tx)
		return err
	})
	return k, err
}

// Keys returns every key's record, oldest first.
func (d *DB) Keys(ctx context.Context) ([]understudy.Key, error) { return listKeys(d.reader(ctx)) }

func listKeys(g *gorm.DB) ([]understudy.Key, error) {
	var rows []keyRow
	if err := g.Order("id").Find(&rows).Error; err != nil {
		return nil, failed("list keys", err)
	}
	return each(rows, func(r keyRow) (understudy.Key, error) { return r.domain(), nil })
}

// DeleteKey ends a key; NotFound where there is none.
func (d *DB) DeleteKey(ctx context.Context, id string) error {
	return d.tx(ctx, "delete a key", func(tx *gorm.DB) error {
		done := tx.Exec("DELETE FROM client_keys WHERE id = ?", id)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return understudy.Errorf(understudy.NotFound, "there is no key with the id %q", id)
		}
		_, err := raiseRoute(tx)
		return err
	})
}
