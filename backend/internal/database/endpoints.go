package database

import (
	"context"
	"errors"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// CreateEndpoint stores a new endpoint as it is given, with its times and
// generation set. A name that is taken, also by an endpoint whose deletion is
// not finished, is a Conflict.
func (d *DB) CreateEndpoint(ctx context.Context, e understudy.Endpoint) (understudy.Endpoint, error) {
	if err := e.Validate(); err != nil {
		return understudy.Endpoint{}, err
	}
	e.Generation, e.CreatedAt, e.DeletedAt = 1, d.now(), nil
	e.UpdatedAt = e.CreatedAt
	err := d.tx(ctx, "create endpoint "+e.Name, func(tx *gorm.DB) error {
		row := rowOfEndpoint(e)
		err := tx.Create(&row).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return understudy.Errorf(understudy.Conflict, "there is an endpoint %q already, or its deletion is not finished yet; use another name or try again in a minute", e.Name)
		}
		if err != nil {
			return err
		}
		if _, err := raiseRoute(tx); err != nil {
			return err
		}
		return d.appendEvent(tx, understudy.Event{Kind: "endpoint.created", Endpoint: e.Name, Message: "Endpoint " + e.Name + " was created"})
	})
	if err != nil {
		return understudy.Endpoint{}, err
	}
	return e, nil
}

// Endpoint returns an endpoint, NotFound where there is none. One that is
// being deleted is returned with its DeletedAt.
func (d *DB) Endpoint(ctx context.Context, name string) (understudy.Endpoint, error) {
	return findEndpoint(d.reader(ctx), name)
}

func findEndpoint(g *gorm.DB, name string) (understudy.Endpoint, error) {
	var row endpointRow
	err := g.Where("name = ?", name).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return understudy.Endpoint{}, understudy.Errorf(understudy.NotFound, "there is no endpoint %q", name)
	}
	if err != nil {
		return understudy.Endpoint{}, failed("read endpoint "+name, err)
	}
	return row.domain()
}

// Endpoints returns the endpoints by name, without those being deleted.
func (d *DB) Endpoints(ctx context.Context) ([]understudy.Endpoint, error) {
	return listEndpoints(d.reader(ctx), "deleted_at IS NULL")
}

// DeletedEndpoints returns those whose deletion is to be finished.
func (d *DB) DeletedEndpoints(ctx context.Context) ([]understudy.Endpoint, error) {
	return listEndpoints(d.reader(ctx), "deleted_at IS NOT NULL")
}

func listEndpoints(g *gorm.DB, where string) ([]understudy.Endpoint, error) {
	var rows []endpointRow
	if err := g.Where(where).Order("name").Find(&rows).Error; err != nil {
		return nil, failed("list endpoints", err)
	}
	return each(rows, endpointRow.domain)
}

// UpdateEndpoint lets change edit the stored endpoint and stores what it made,
// validated. change's error is returned as it is; it may run more than once.
func (d *DB) UpdateEndpoint(ctx context.Context, name string, change func(*understudy.Endpoint) error) (understudy.Endpoint, error) {
	var e understudy.Endpoint
	err := d.tx(ctx, "update endpoint "+name, func(tx *gorm.DB) error {
		was, err := findEndpoint(tx, name)
		if err != nil {
			return err
		}
		if was.DeletedAt != nil {
			return understudy.Errorf(understudy.Conflict, "endpoint %q is being deleted", name)
		}
		e = was
		if err := change(&e); err != nil {
			return err
		}
		e.Name, e.CreatedAt, e.DeletedAt = was.Name, was.CreatedAt, nil
		e.Generation, e.UpdatedAt = was.Generation+1, d.now()
		if err := e.Validate(); err != nil {
			return err
		}
		row := rowOfEndpoint(e)
		done := tx.Model(&row).Where("generation = ? AND deleted_at IS NULL", was.Generation).Select("*").Omit("name", "created_at").Updates(&row)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return understudy.ErrStale
		}
		_, err = raiseRoute(tx)
		return err
	})
	if err != nil {
		return understudy.Endpoint{}, err
	}
	return e, nil
}

// DeleteEndpoint leaves a tombstone: the endpoint takes no more requests, and
// the lifecycle finishes the deletion. Deleting it again does nothing.
func (d *DB) DeleteEndpoint(ctx context.Context, name string) error {
	return d.tx(ctx, "delete endpoint "+name, func(tx *gorm.DB) error {
		if _, err := findEndpoint(tx, name); err != nil {
			return err
		}
		done := tx.Exec("UPDATE endpoints SET deleted_at = ?, updated_at = ?, generation = generation + 1 WHERE name = ? AND deleted_at IS NULL", d.now(), d.now(), name)
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		if _, err := raiseRoute(tx); err != nil {
			return err
		}
		return d.appendEvent(tx, understudy.Event{Kind: "endpoint.deleted", Endpoint: name, Message: "Endpoint " + name + " is being deleted"})
	})
}

// purgeBatch is how many rows one transaction of a deletion takes.
const purgeBatch = 1000

// PurgeEndpoint removes everything of an endpoint with a tombstone, in
// batches, and at last the endpoint itself. Interrupted, it is called again.
func (d *DB) PurgeEndpoint(ctx context.Context, epoch int64, name string) error {
	e, err := d.Endpoint(ctx, name)
	if understudy.CodeOf(err) == understudy.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if e.DeletedAt == nil {
		return understudy.Errorf(understudy.Conflict, "endpoint %q is not being deleted", name)
	}
	doing := "finish the deletion of endpoint " + name
	for n := int64(purgeBatch); n == purgeBatch; {
		err := d.tx(ctx, doing, func(tx *gorm.DB) error {
			if err := d.leads(tx, epoch); err != nil {
				return err
			}
			done := tx.Exec("DELETE FROM pairs WHERE id IN (SELECT id FROM pairs WHERE endpoint = ? ORDER BY id LIMIT ?)", name, purgeBatch)
			n = done.RowsAffected
			return done.Error
		})
		if err != nil {
			return err
		}
	}
	return d.tx(ctx, doing, func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		const ofModels = " WHERE model_id IN (SELECT id FROM models WHERE endpoint = ?)"
		for _, q := range []string{
			"DELETE FROM endpoints WHERE name = ?", // first: it waits for pairs that are being inserted, and no more come
			"DELETE FROM model_pairs" + ofModels,
			"DELETE FROM eval_answers" + ofModels,
			"DELETE FROM evaluations" + ofModels,
			"DELETE FROM models WHERE endpoint = ?",
			"DELETE FROM endpoint_counters WHERE endpoint = ?",
			"DELETE FROM endpoint_days WHERE endpoint = ?",
			"DELETE FROM endpoint_activity WHERE endpoint = ?",
			"DELETE FROM client_keys WHERE default_endpoint = ?", // theirs were requests of this endpoint alone
			// Pairs that were captured while the batches went on.
			"DELETE FROM pairs WHERE endpoint = ?",
		} {
			if err := tx.Exec(q, name).Error; err != nil {
				return err
			}
		}
		_, err := raiseRoute(tx)
		return err
	})
}
