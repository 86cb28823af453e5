package database

import (
	"context"
	"time"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

type eventRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement"`
	At       time.Time
	Kind     string
	Endpoint string
	ModelID  string
	Message  string
	Data     string
}

func (eventRow) TableName() string { return "events" }

func (r eventRow) domain() (understudy.Event, error) {
	data, err := fromJSON[map[string]any](r.Data)
	return understudy.Event{ID: r.ID, At: r.At.UTC(), Kind: r.Kind, Endpoint: r.Endpoint, ModelID: r.ModelID, Message: r.Message, Data: data}, err
}

// AppendEvent adds a line to the diary; its ID and, where it is zero, its time
// are set here. Data must be plain JSON values.
func (d *DB) AppendEvent(ctx context.Context, e understudy.Event) error {
	return d.tx(ctx, "append an event", func(tx *gorm.DB) error { return d.appendEvent(tx, e) })
}

// appendEvent comes last in a transaction: the lock makes ids appear in their
// order, so that a reader's cursor passes over none, and is held until the end.
func (d *DB) appendEvent(tx *gorm.DB, e understudy.Event) error {
	if err := d.dialect.lock(tx, lockEvents); err != nil {
		return err
	}
	if e.At.IsZero() {
		e.At = d.now()
	}
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	return tx.Create(&eventRow{At: e.At.UTC(), Kind: e.Kind, Endpoint: text(e.Endpoint), ModelID: e.ModelID, Message: text(e.Message), Data: asJSON(e.Data)}).Error
}

// Events returns up to limit events (0 or more than MaxPage: MaxPage) after
// the event with this id, oldest first.
func (d *DB) Events(ctx context.Context, after int64, limit int) ([]understudy.Event, error) {
	var rows []eventRow
	if err := d.reader(ctx).Where("id > ?", after).Order("id").Limit(page(limit)).Find(&rows).Error; err != nil {
		return nil, failed("read events", err)
	}
	return each(rows, eventRow.domain)
}

// EventsBefore returns a page of events, newest first: those older than before
// (0 = from the newest).
func (d *DB) EventsBefore(ctx context.Context, f understudy.EventFilter, before int64, limit int) ([]understudy.Event, error) {
	q := matching(d.reader(ctx), f).Order("id DESC").Limit(page(limit))
	if before > 0 {
		q = q.Where("id < ?", before)
	}
	var rows []eventRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, failed("read events", err)
	}
	return each(rows, eventRow.domain)
}

// EventsAfter is Events of some.
func (d *DB) EventsAfter(ctx context.Context, f understudy.EventFilter, after int64, limit int) ([]understudy.Event, error) {
	var rows []eventRow
	if err := matching(d.reader(ctx), f).Where("id > ?", after).Order("id").Limit(page(limit)).Find(&rows).Error; err != nil {
		return nil, failed("read events", err)
	}
	return each(rows, eventRow.domain)
}

func matching(g *gorm.DB, f understudy.EventFilter) *gorm.DB {
	for _, c := range []struct{ column, value string }{{"endpoint", f.Endpoint}, {"model_id", f.ModelID}, {"kind", f.Kind}} {
		if c.value != "" {
			g = g.Where(c.column+" = ?", c.value)
		}
	}
	if f.NoProgress {
		g = g.Where("kind NOT IN ?", understudy.ProgressKinds)
	}
	return g
}

// LastEvent returns the newest event's id, 0 where there is none.
func (d *DB) LastEvent(ctx context.Context) (int64, error) {
	return scalar[int64](d.reader(ctx), "read the last event", "SELECT COALESCE(MAX(id), 0) FROM events")
}

// PruneEvents keeps the newest of them.
func (d *DB) PruneEvents(ctx context.Context, keep int64) error {
	return d.tx(ctx, "prune events", func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM events WHERE id <= (SELECT COALESCE(MAX(id), 0) FROM events) - ?", keep).Error
	})
}

func page(limit int) int {
	if limit <= 0 || limit > understudy.MaxPage {
		return understudy.MaxPage
	}
	return limit
}
