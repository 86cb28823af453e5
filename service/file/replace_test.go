package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReplaceWritesBesideTheFile(t *testing.T) {
	shared, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", shared)
	// A file that came and went moves the folder's time.
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(shared, old, old))

	path := filepath.Join(dir, "record.json")
	for _, content := range []string{"one", "another"} {
		must(t, Replace(path, []byte(content), 0o600))
		got, err := os.ReadFile(path)
		must(t, err)
		if string(got) != content {
			t.Errorf("read %q, want %q", got, content)
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left beside it: %v", names)
	}
	info, err = os.Stat(shared)
	must(t, err)
	if !info.ModTime().Equal(old) {
		t.Error("the system's folder for temporary files was written to")
	}
}

func TestReplaceThatFailsKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder")
	must(t, os.Mkdir(path, 0o700))
	if err := Replace(path, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 1 || !entries[0].IsDir() {
		t.Errorf("found %v, want the folder alone", entries)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
