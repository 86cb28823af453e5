package database

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// CreateModel stores the endpoint's next version in phase training. What m
// leaves empty (base, hyperparameters) is the endpoint's. Conflict while one of
// the endpoint's models is being trained, downloaded or evaluated, or the
// endpoint is being deleted; epoch 0 is a person's wish.
func (d *DB) CreateModel(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error) {
	err := d.tx(ctx, "create a model of "+m.Endpoint, func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		e, err := findEndpoint(tx, m.Endpoint)
		if err != nil {
			return err
		}
		// Holds the endpoint's row to the end: two creations take turns.
		err = tx.Raw("UPDATE endpoints SET last_version = last_version + 1 WHERE name = ? AND deleted_at IS NULL RETURNING last_version",
			e.Name).Row().Scan(&m.Version)
		if err != nil {
			return understudy.Errorf(understudy.Conflict, "endpoint %q is being deleted", e.Name)
		}
		busy, err := listModels(tx, ModelFilter{Endpoint: e.Name, Phases: []understudy.Phase{understudy.Training, understudy.Downloading, understudy.LLMEvaluation}})
		if err != nil {
			return err
		}
		if len(busy) > 0 {
			return understudy.Errorf(understudy.Conflict, "%s is in %s; a new version can start when it is done", busy[0].Name(), busy[0].Phase)
		}
		if m.ID == "" {
			m.ID = newID()
		}
		if m.Base == "" {
			m.Base = e.Base
		}
		if asJSON(m.Hyperparameters) == "{}" {
			m.Hyperparameters = e.Hyperparameters
		}
		m.Phase, m.Attempt, m.Generation = understudy.Training, max(m.Attempt, 1), 1
		m.CreatedAt = d.now()
		m.UpdatedAt, m.PhaseSince = m.CreatedAt, m.CreatedAt
		row := rowOfModel(m)
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return d.appendEvent(tx, understudy.Event{Kind: "model.created", Endpoint: m.Endpoint, ModelID: m.ID,
			Message: m.Name() + " was created", Data: map[string]any{"version": m.Version, "to": m.Phase}})
	})
	if err != nil {
		return understudy.Model{}, err
	}
	return m, nil
}

// Model returns a model, NotFound where there is none.
func (d *DB) Model(ctx context.Context, id string) (understudy.Model, error) {
	return findModel(d.reader(ctx), "there is no model "+id, "id = ?", id)
}

// ModelByVersion returns a model by its endpoint and version.
func (d *DB) ModelByVersion(ctx context.Context, endpoint string, version int) (understudy.Model, error) {
	return findModel(d.reader(ctx), fmt.Sprintf("there is no model %s-v%d", endpoint, version), "endpoint = ? AND version = ?", endpoint, version)
}

func findModel(g *gorm.DB, missing, where string, args ...any) (understudy.Model, error) {
	var row modelRow
	err := g.Where(where, args...).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return understudy.Model{}, understudy.Errorf(understudy.NotFound, "%s", missing)
	}
	if err != nil {
		return understudy.Model{}, failed("read a model", err)
	}
	return row.domain()
}

// Models returns models by endpoint and version.
func (d *DB) Models(ctx context.Context, f ModelFilter) ([]understudy.Model, error) {
	return listModels(d.reader(ctx), f)
}

func listModels(g *gorm.DB, f ModelFilter) ([]understudy.Model, error) {
	if f.Endpoint != "" {
		g = g.Where("endpoint = ?", f.Endpoint)
	}
	if len(f.Phases) > 0 {
		g = g.Where("phase IN ?", f.Phases)
	}
	if f.Draining {
		g = g.Where("draining_since IS NOT NULL")
	}
	var rows []modelRow
	if err := g.Order("endpoint, version").Find(&rows).Error; err != nil {
		return nil, failed("list models", err)
	}
	return each(rows, modelRow.domain)
}
