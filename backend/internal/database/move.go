package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// Move takes the model through the transition that t names: its phase, and
// what the domain's After says, and what mutate (may be nil) makes of it. It is
// one compare-and-set on what m was read as (phase, generation) and on the
// leader's epoch (0: a person's action, not compared), with the event
// model.phase in the same transaction. ErrStale where one of them has moved
// on; the domain's Conflict where the table does not allow it.
func (d *DB) Move(ctx context.Context, epoch int64, m understudy.Model, t understudy.Trigger, mutate func(*understudy.Model)) (understudy.Model, error) {
	to, err := m.After(t, d.now())
	if err != nil {
		return understudy.Model{}, err
	}
	next := edit(to, mutate)
	err = d.tx(ctx, fmt.Sprintf("move %s: %s", m.Name(), t), func(tx *gorm.DB) error {
		if err := d.swap(tx, epoch, m, &next); err != nil {
			return err
		}
		return d.appendEvent(tx, phaseEvent(m, next, t))
	})
	if err != nil {
		return understudy.Model{}, err
	}
	return next, nil
}

// Save is Move without a transition and without an event.
func (d *DB) Save(ctx context.Context, epoch int64, m understudy.Model, mutate func(*understudy.Model)) (understudy.Model, error) {
	next := edit(m, mutate)
	err := d.tx(ctx, "save "+m.Name(), func(tx *gorm.DB) error { return d.swap(tx, epoch, m, &next) })
	if err != nil {
		return understudy.Model{}, err
	}
	return next, nil
}

// edit keeps mutate from changing what is not its own.
func edit(m understudy.Model, mutate func(*understudy.Model)) understudy.Model {
	next := m
	if mutate != nil {
		mutate(&next)
	}
	next.ID, next.Endpoint, next.Version, next.Phase, next.PhaseSince = m.ID, m.Endpoint, m.Version, m.Phase, m.PhaseSince
	next.CreatedAt = m.CreatedAt
	return next
}

// swap writes next where the stored model is still was, and raises the route
// generation where the gateway would see a difference.
func (d *DB) swap(tx *gorm.DB, epoch int64, was understudy.Model, next *understudy.Model) error {
	if err := d.leads(tx, epoch); err != nil {
		return err
	}
	next.Generation, next.UpdatedAt = was.Generation+1, d.now()
	row := rowOfModel(*next)
	done := tx.Model(&modelRow{}).Where("id = ? AND phase = ? AND generation = ?", was.ID, was.Phase, was.Generation).
		Select("*").Omit("id", "endpoint", "version", "created_at").Updates(&row)
	if errors.Is(done.Error, gorm.ErrDuplicatedKey) {
		return understudy.Errorf(understudy.Conflict, "another model of %s is deployed", was.Endpoint)
	}
	if done.Error != nil {
		return done.Error
	}
	if done.RowsAffected == 0 {
		return understudy.ErrStale
	}
	if routesAlike(was, *next) {
		return nil
	}
	_, err := raiseRoute(tx)
	return err
}

func routesAlike(a, b understudy.Model) bool {
	ta, tb := target(a), target(b)
	if ta == nil || tb == nil {
		return ta == tb
	}
	return ta.Release == tb.Release && ta.Adapter == tb.Adapter && ta.Asleep == tb.Asleep && ta.ServedSince.Equal(tb.ServedSince) &&
		ta.TaskMode == tb.TaskMode && maps.Equal(ta.Fingerprints, tb.Fingerprints) && maps.Equal(ta.JSONTasks, tb.JSONTasks)
}

func phaseEvent(from, to understudy.Model, t understudy.Trigger) understudy.Event {
	message := fmt.Sprintf("%s: %s → %s", to.Name(), from.Phase, to.Phase)
	if to.Reason != "" {
		message += ": " + to.Reason
	}
	return understudy.Event{Kind: "model.phase", Endpoint: to.Endpoint, ModelID: to.ID, Message: message, Data: map[string]any{
		"from": from.Phase, "to": to.Phase, "trigger": t, "version": to.Version, "attempt": to.Attempt, "reason": to.Reason,
		"verdict": to.Verdict, "target": to.Target,
	}}
}

// TakeStage moves an available model to deploying if there is room:
// maxDeployments counts endpoints with a model deploying or deployed, asleep
// included; a new version of such an endpoint needs no room. Without room it
// returns m as it was, and false. Callers
// take turns.
func (d *DB) TakeStage(ctx context.Context, epoch int64, m understudy.Model, maxDeployments int) (understudy.Model, bool, error) {
	next, err := m.After(understudy.Deploy, d.now())
	if err != nil {
		return understudy.Model{}, false, err
	}
	taken := false
	err = d.tx(ctx, "take the stage for "+m.Name(), func(tx *gorm.DB) error {
		if err := d.dialect.lock(tx, lockStage); err != nil {
			return err
		}
		var on []string
		err := tx.Raw("SELECT DISTINCT endpoint FROM models WHERE phase IN ?", []understudy.Phase{understudy.Deploying, understudy.Deployed}).Scan(&on).Error
		if err != nil {
			return err
		}
		if len(on) >= maxDeployments && !slices.Contains(on, m.Endpoint) {
			return d.leads(tx, epoch)
		}
		taken = true
		started := d.now()
		next.DeployStarted, next.Reason = &started, ""
		if err := d.swap(tx, epoch, m, &next); err != nil {
			return err
		}
		return d.appendEvent(tx, phaseEvent(m, next, understudy.Deploy))
	})
	switch {
	case err != nil:
		return understudy.Model{}, false, err
	case !taken:
		return m, false, nil
	}
	return next, true, nil
}

// CutOver makes a deploying model the deployed one of its endpoint, in one
// transaction with the old one's step down: that is available again, draining
// since now, until every replica has acknowledged DrainGeneration.
func (d *DB) CutOver(ctx context.Context, epoch int64, m understudy.Model) (understudy.Model, error) {
	now := d.now()
	next, err := m.After(understudy.Progress, now)
	if err != nil {
		return understudy.Model{}, err
	}
	if next.Phase != understudy.Deployed {
		return understudy.Model{}, understudy.Errorf(understudy.Conflict, "%s is %s: only a deploying model can take over", m.Name(), m.Phase)
	}
	next.ServedSince, next.SleptAt, next.DrainingSince, next.Replicas, next.Reason = &now, nil, nil, max(m.Replicas, 1), ""
	err = d.tx(ctx, "let "+m.Name()+" take over", func(tx *gorm.DB) error {
		events := []understudy.Event{phaseEvent(m, next, understudy.Progress)}
		olds, err := listModels(tx, ModelFilter{Endpoint: m.Endpoint, Phases: []understudy.Phase{understudy.Deployed}})
		if err != nil {
			return err
		}
		for _, old := range olds {
			left, err := old.After(understudy.Replaced, now)
			if err != nil {
				return err
			}
			left.DrainingSince, left.Target, left.Reason = &now, understudy.TargetNone, "replaced by "+m.Name()
			if err := d.swap(tx, epoch, old, &left); err != nil {
				return err
			}
			events = append([]understudy.Event{phaseEvent(old, left, understudy.Replaced)}, events...)
		}
		if err := d.swap(tx, epoch, m, &next); err != nil {
			return err
		}
		// The platform's row comes after the models', as everywhere.
		generation, err := raiseRoute(tx)
		if err != nil {
			return err
		}
		for _, old := range olds {
			if err := tx.Exec("UPDATE models SET drain_generation = ? WHERE id = ?", generation, old.ID).Error; err != nil {
				return err
			}
		}
		for _, e := range events {
			if err := d.appendEvent(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return understudy.Model{}, err
	}
	return next, nil
}
