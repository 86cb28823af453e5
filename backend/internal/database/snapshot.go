package database

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// Snapshot reads everything that the gateway routes by, as of one moment.
func (d *DB) Snapshot(ctx context.Context) (understudy.Snapshot, error) {
	s := understudy.Snapshot{Endpoints: map[string]understudy.EndpointRoute{}, Keys: map[string]understudy.KeyRoute{}}
	err := d.reader(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Raw("SELECT route_generation, bypass FROM platform").Row().Scan(&s.Generation, &s.Bypass); err != nil {
			return err
		}
		endpoints, err := listEndpoints(tx, "deleted_at IS NULL")
		if err != nil {
			return err
		}
		for _, e := range endpoints {
			s.Endpoints[e.Name] = understudy.EndpointRoute{Endpoint: e}
		}
		deployed, err := listModels(tx, ModelFilter{Phases: []understudy.Phase{understudy.Deployed}})
		if err != nil {
			return err
		}
		for _, m := range deployed {
			if r, ok := s.Endpoints[m.Endpoint]; ok {
				r.Target = target(m)
				s.Endpoints[m.Endpoint] = r
			}
		}
		keys, err := listKeys(tx)
		for _, k := range keys {
			s.Keys[k.Hash] = understudy.KeyRoute{ID: k.ID, DefaultEndpoint: k.DefaultEndpoint}
		}
		return err
	}, d.dialect.snapshot())
	if err != nil {
		return understudy.Snapshot{}, failed("read the route snapshot", err)
	}
	return s, nil
}

// target is how the gateway sees a model: nil unless it is deployed.
func target(m understudy.Model) *understudy.Target {
	if m.Phase != understudy.Deployed {
		return nil
	}
	t := understudy.Target{
		ModelID: m.ID, Version: m.Version, Release: m.Release, Alias: m.Name(),
		TaskMode: m.TaskMode, Fingerprints: set(m.Fingerprints), JSONTasks: set(m.JSONTasks),
		Asleep: m.Replicas == 0 && m.SleptAt != nil,
	}
	if t.Release == "" {
		t.Release = understudy.ReleaseName(m.Endpoint, m.Version)
	}
	if a, ok := m.Artifact(understudy.ArtifactAdapter); ok {
		t.Adapter = a.SHA256
	}
	// A base that has left the catalogue serves nothing: no context, no tools.
	if b, err := understudy.FindBase(m.Base); err == nil {
		t.ContextLength, t.Tools = b.ContextLength, b.Tools
	}
	if m.ServedSince != nil {
		t.ServedSince = m.ServedSince.UTC()
	}
	return &t
}

func set(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

func (sqliteDialect) snapshot() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

func (postgresDialect) snapshot() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}
