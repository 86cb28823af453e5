package database

import (
	"context"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// InstallID names this installation: 8 random hex digits, made once.
func (d *DB) InstallID(ctx context.Context) (string, error) {
	return scalar[string](d.reader(ctx), "read the installation's id", "SELECT install_id FROM platform")
}

// Bypass reports whether everything goes to the LLM.
func (d *DB) Bypass(ctx context.Context) (bool, error) {
	return scalar[bool](d.reader(ctx), "read the bypass switch", "SELECT bypass FROM platform")
}

// SetBypass sends everything to the LLM, or ends that.
func (d *DB) SetBypass(ctx context.Context, on bool) error {
	return d.tx(ctx, "set the bypass switch", func(tx *gorm.DB) error {
		return tx.Exec("UPDATE platform SET bypass = ?, route_generation = route_generation + 1", on).Error
	})
}

// RouteGeneration is raised by every change to what replicas route by:
// endpoints, keys, bypass, deployed models, asleep or awake. It is one row.
func (d *DB) RouteGeneration(ctx context.Context) (int64, error) {
	return scalar[int64](d.reader(ctx), "read the route generation", "SELECT route_generation FROM platform")
}

func raiseRoute(tx *gorm.DB) (int64, error) {
	return scalar[int64](tx, "raise the route generation",
		"UPDATE platform SET route_generation = route_generation + 1 RETURNING route_generation")
}

// RaiseEpoch begins a new leadership: writes of an earlier epoch fail from now
// on with ErrStale.
func (d *DB) RaiseEpoch(ctx context.Context) (int64, error) {
	var epoch int64
	err := d.tx(ctx, "raise the leader's epoch", func(tx *gorm.DB) (err error) {
		epoch, err = scalar[int64](tx, "raise the leader's epoch", "UPDATE leader SET epoch = epoch + 1 RETURNING epoch")
		return err
	})
	return epoch, err
}

// Epoch is the present leader's; a Helm action compares it first.
func (d *DB) Epoch(ctx context.Context) (int64, error) {
	return scalar[int64](d.reader(ctx), "read the leader's epoch", "SELECT epoch FROM leader")
}

// leads returns ErrStale unless epoch is the present one; it stays so until
// tx ends. Epoch 0 is a person's and always right.
func (d *DB) leads(tx *gorm.DB, epoch int64) error {
	if epoch == 0 {
		return nil
	}
	now, err := scalar[int64](tx, "compare the leader's epoch", "SELECT epoch FROM leader"+d.dialect.share())
	if err == nil && now != epoch {
		return understudy.ErrStale
	}
	return err
}

// scalar reads one value of one row that is there.
func scalar[T any](g *gorm.DB, doing, query string, args ...any) (T, error) {
	var v T
	err := g.Raw(query, args...).Row().Scan(&v)
	return v, failed(doing, err)
}
