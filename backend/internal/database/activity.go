package database

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	understudy "understudy.dev/backend"
)

type replicaRow struct {
	ID              string `gorm:"primaryKey"`
	RouteGeneration int64
	SeenAt          time.Time
}

func (replicaRow) TableName() string { return "replicas" }

// forgetReplica is how long a row of a replica that is gone stays.
const forgetReplica = time.Hour

// Heartbeat says that a replica lives and which route generation it routes by.
func (d *DB) Heartbeat(ctx context.Context, replica string, routeGeneration int64, now time.Time) error {
	return d.tx(ctx, "store the heartbeat", func(tx *gorm.DB) error {
		row := replicaRow{ID: text(replica), RouteGeneration: routeGeneration, SeenAt: *utc(&now)}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM replicas WHERE seen_at < ?", row.SeenAt.Add(-forgetReplica)).Error
	})
}

// LiveReplicas returns the replicas whose last heartbeat is younger than
// ReplicaTimeout, by id.
func (d *DB) LiveReplicas(ctx context.Context, now time.Time) ([]understudy.Replica, error) {
	var rows []replicaRow
	if err := d.reader(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, failed("list replicas", err)
	}
	var live []understudy.Replica
	for _, r := range rows {
		if now.Sub(r.SeenAt) < understudy.ReplicaTimeout {
			live = append(live, understudy.Replica{ID: r.ID, RouteGeneration: r.RouteGeneration, SeenAt: r.SeenAt.UTC()})
		}
	}
	return live, nil
}

type activityRow struct {
	Endpoint     string `gorm:"primaryKey"`
	Replica      string `gorm:"primaryKey"`
	LastWantedAt *time.Time
	LastServedAt *time.Time
	InFlight     int
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

func (activityRow) TableName() string { return "endpoint_activity" }

// UpsertActivity stores what replicas know; a nil time leaves the stored one.
func (d *DB) UpsertActivity(ctx context.Context, list []understudy.Activity) error {
	if len(list) == 0 {
		return nil
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b understudy.Activity) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Replica, b.Replica))
	})
	return d.tx(ctx, "store the activity", func(tx *gorm.DB) error {
		for _, a := range list {
			err := tx.Exec(`INSERT INTO endpoint_activity (endpoint, replica, last_wanted_at, last_served_at, in_flight, updated_at)
				VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, replica) DO UPDATE SET
				last_wanted_at = COALESCE(excluded.last_wanted_at, endpoint_activity.last_wanted_at),
				last_served_at = COALESCE(excluded.last_served_at, endpoint_activity.last_served_at),
				in_flight = excluded.in_flight, updated_at = excluded.updated_at`,
				a.Endpoint, a.Replica, utc(a.LastWantedAt), utc(a.LastServedAt), a.InFlight, *utc(&a.UpdatedAt)).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Activity returns what every replica said of an endpoint, by replica.
func (d *DB) Activity(ctx context.Context, endpoint string) ([]understudy.Activity, error) {
	var rows []activityRow
	if err := d.reader(ctx).Where("endpoint = ?", endpoint).Order("replica").Find(&rows).Error; err != nil {
		return nil, failed("read the activity of "+endpoint, err)
	}
	return each(rows, func(r activityRow) (understudy.Activity, error) {
		return understudy.Activity{Endpoint: r.Endpoint, Replica: r.Replica, LastWantedAt: utc(r.LastWantedAt), LastServedAt: utc(r.LastServedAt),
			InFlight: r.InFlight, UpdatedAt: r.UpdatedAt.UTC()}, nil
	})
}
