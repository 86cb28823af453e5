package database

import (
	"strings"
	"sync"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// stalled is a reader of a data set that stops at the first line.
type stalled struct {
	once  sync.Once
	began chan struct{}
	goOn  chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	s.once.Do(func() {
		close(s.began)
		<-s.goOn
	})
	return len(p), nil
}

func TestASlowReaderHoldsNoWriterUp(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", 12, 3)
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull))
		s := &stalled{began: make(chan struct{}), goOn: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- db.WriteDataset(ctx, m.ID, s) }()
		<-s.began
		stored := make(chan error, 1)
		go func() { stored <- db.InsertPairs(ctx, []understudy.Pair{pair("a", "meanwhile", "x")}) }()
		select {
		case err := <-stored:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("a pair waits for the reader")
		}
		close(s.goOn)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestHotQueriesUseTheirIndexes(t *testing.T) {
	db := open(t, sqliteURL(t))
	for query, index := range map[string]string{
		"SELECT prompt FROM pairs WHERE endpoint = 'a' AND split = 'train' AND teaches AND id > 'x' ORDER BY id DESC LIMIT 9": "COVERING INDEX pairs_teaching",
		"SELECT * FROM pairs WHERE endpoint = 'a' AND split = 'train' AND teaches AND id < 'x' ORDER BY id DESC LIMIT 9":      "pairs_teaching",
		"SELECT * FROM pairs WHERE endpoint = 'a' AND id < 'x' ORDER BY id DESC LIMIT 9":                                      "pairs_endpoint",
		"SELECT id FROM pairs WHERE endpoint = 'a' AND end_user = 'u' ORDER BY id LIMIT 9":                                    "pairs_",
		"SELECT * FROM pairs WHERE model_id = 'm' AND reason = 'shadow' ORDER BY id DESC LIMIT 500":                           "pairs_shadow",
		"SELECT * FROM events WHERE id > 5 ORDER BY id LIMIT 9":                                                               "PRIMARY KEY",
	} {
		var plan []struct{ Detail string }
		if err := db.reader(t.Context()).Raw("EXPLAIN QUERY PLAN " + query).Scan(&plan).Error; err != nil {
			t.Fatal(err)
		}
		var said string
		for _, p := range plan {
			said += p.Detail + "; "
		}
		if !strings.Contains(said, index) || strings.Contains(said, "TEMP B-TREE") {
			t.Errorf("%s\nruns by: %s", query, said)
		}
	}
}
