package lifecycle

import (
	"context"
	"time"

	understudy "understudy.dev/backend"
)

// failed has nothing on stage.
func (l *lead) failed(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if m.Release != "" {
		return l.clear(ctx, m)
	}
	return l.idle(), nil
}

// retired removes what is left of a model: release, jobs and artefacts. The
// row stays, because versions are never used again.
func (l *lead) retired(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if m.Release != "" {
		return l.clear(ctx, m)
	}
	if buried(m) {
		return never, nil
	}
	for attempt := 1; attempt <= m.Attempt; attempt++ {
		gone, err := l.dispose(ctx, understudy.JobName(m.ID, attempt))
		if err != nil || !gone {
			return l.Poll, err
		}
	}
	_, err := l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Artifacts, m.DatasetSHA256 = nil, ""
	})
	return 0, err
}

// buried reports whether nothing is left of a retired model. A job was ordered
// only where there was a data set.
func buried(m understudy.Model) bool {
	return m.Phase == understudy.Retired && m.Release == "" && len(m.Artifacts) == 0 && m.DatasetSHA256 == ""
}
