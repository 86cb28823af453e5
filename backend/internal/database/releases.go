package database

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	understudy "understudy.dev/backend"
)

type releaseRow struct {
	Key        string `gorm:"primaryKey"`
	Name       string
	Namespace  string
	Version    int
	Status     string
	Owner      string
	Labels     string
	Body       string
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	ModifiedAt time.Time
}

func (releaseRow) TableName() string { return "helm_releases" }

func (r releaseRow) domain() (understudy.ReleaseRecord, error) {
	labels, err := fromJSON[map[string]string](r.Labels)
	return understudy.ReleaseRecord{Key: r.Key, Name: r.Name, Namespace: r.Namespace, Version: r.Version, Status: r.Status, Owner: r.Owner,
		Labels: labels, Body: r.Body, CreatedAt: r.CreatedAt.UTC(), ModifiedAt: r.ModifiedAt.UTC()}, err
}

func (d *DB) rowOfRelease(r understudy.ReleaseRecord) releaseRow {
	now := d.now()
	if r.CreatedAt.IsZero() {
		r.CreatedAt = now
	}
	if r.ModifiedAt.IsZero() {
		r.ModifiedAt = now
	}
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	return releaseRow{Key: r.Key, Name: r.Name, Namespace: r.Namespace, Version: r.Version, Status: r.Status, Owner: r.Owner,
		Labels: asJSON(r.Labels), Body: r.Body, CreatedAt: r.CreatedAt.UTC(), ModifiedAt: r.ModifiedAt.UTC()}
}

// CreateRelease stores a new record; Conflict where the key is there.
func (d *DB) CreateRelease(ctx context.Context, r understudy.ReleaseRecord) error {
	return d.tx(ctx, "create release record "+r.Key, func(tx *gorm.DB) error {
		row := d.rowOfRelease(r)
		err := tx.Create(&row).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return understudy.Errorf(understudy.Conflict, "there is a release record %q already", r.Key)
		}
		return err
	})
}

// PutRelease stores a record, new or not.
func (d *DB) PutRelease(ctx context.Context, r understudy.ReleaseRecord) error {
	return d.tx(ctx, "store release record "+r.Key, func(tx *gorm.DB) error {
		row := d.rowOfRelease(r)
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
}

// GetRelease returns a record, NotFound where there is none.
func (d *DB) GetRelease(ctx context.Context, key string) (understudy.ReleaseRecord, error) {
	var row releaseRow
	err := d.reader(ctx).Where("key = ?", key).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return understudy.ReleaseRecord{}, understudy.Errorf(understudy.NotFound, "there is no release record %q", key)
	}
	if err != nil {
		return understudy.ReleaseRecord{}, failed("read release record "+key, err)
	}
	return row.domain()
}

// ListReleases returns every record of a namespace, "" for all, by name and
// version.
func (d *DB) ListReleases(ctx context.Context, namespace string) ([]understudy.ReleaseRecord, error) {
	q := d.reader(ctx)
	if namespace != "" {
		q = q.Where("namespace = ?", namespace)
	}
	var rows []releaseRow
	if err := q.Order("name, version").Find(&rows).Error; err != nil {
		return nil, failed("list release records", err)
	}
	return each(rows, releaseRow.domain)
}

// DeleteRelease removes a record; NotFound where there is none.
func (d *DB) DeleteRelease(ctx context.Context, key string) error {
	return d.tx(ctx, "delete release record "+key, func(tx *gorm.DB) error {
		done := tx.Exec("DELETE FROM helm_releases WHERE key = ?", key)
		if done.Error == nil && done.RowsAffected == 0 {
			return understudy.Errorf(understudy.NotFound, "there is no release record %q", key)
		}
		return done.Error
	})
}
