package store

import (
	"os"
	"path/filepath"
	"testing"

	"understudy.dev/trainer"
)

// A sweep removes what no record names: records that are there must be found
// wherever the folder is.
func TestRecordsAreFoundInAnyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data[1]*")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Save(trainer.Record{Job: trainer.Job{ID: "m-1", State: trainer.Succeeded, Artifacts: []trainer.Artifact{{SHA256: "abc"}}}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"abc", "unnamed"} {
		if err := os.WriteFile(s.Artifact(name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Load()
	if err != nil || len(records) != 1 {
		t.Fatalf("found %d records, %v", len(records), err)
	}
	s.Sweep(records)
	if _, err := os.Stat(s.Artifact("abc")); err != nil {
		t.Errorf("a model's artefact is gone: %v", err)
	}
	if _, err := os.Stat(s.Artifact("unnamed")); err == nil {
		t.Error("what no record names is left")
	}
}
