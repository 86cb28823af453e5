package play

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestAReportGoesThroughALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "today.json"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(target, []byte("an older report, much longer than what comes now"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := CheckWritable(link); err != nil {
		t.Fatal(err)
	}
	if err := (Report{Requests: 7}).Write(link); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != target {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	var r Report
	b, err := os.ReadFile(target)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || r.Requests != 7 {
		t.Errorf("read %s, %v", b, err)
	}
}
