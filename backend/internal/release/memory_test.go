package release

import (
	"context"
	"maps"
	"slices"
	"sync"

	understudy "understudy.dev/backend"
)

// memoryRecords is Records without a database.
type memoryRecords struct {
	mu   sync.Mutex
	rows map[string]understudy.ReleaseRecord
}

func newMemory() *memoryRecords { return &memoryRecords{rows: map[string]understudy.ReleaseRecord{}} }

func (m *memoryRecords) CreateRelease(_ context.Context, r understudy.ReleaseRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[r.Key]; ok {
		return understudy.Errorf(understudy.Conflict, "%s is there", r.Key)
	}
	m.rows[r.Key] = r
	return nil
}

func (m *memoryRecords) PutRelease(_ context.Context, r understudy.ReleaseRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows[r.Key] = r
	return nil
}

func (m *memoryRecords) GetRelease(_ context.Context, key string) (understudy.ReleaseRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rows[key]
	if !ok {
		return r, understudy.Errorf(understudy.NotFound, "%s is not there", key)
	}
	return r, nil
}

func (m *memoryRecords) DeleteRelease(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[key]; !ok {
		return understudy.Errorf(understudy.NotFound, "%s is not there", key)
	}
	delete(m.rows, key)
	return nil
}

func (m *memoryRecords) ListReleases(context.Context, string) ([]understudy.ReleaseRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []understudy.ReleaseRecord
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		out = append(out, m.rows[key])
	}
	return out, nil
}

// edit changes a stored row.
func (m *memoryRecords) edit(key string, change func(*understudy.ReleaseRecord)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rows[key]
	change(&r)
	m.rows[key] = r
}
