package env

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func reader(vars map[string]string) *Reader {
	return New(func(k string) (string, bool) { v, ok := vars[k]; return v, ok })
}

func TestEveryMistakeIsReportedTogether(t *testing.T) {
	r := reader(map[string]string{"N": "x", "F": "2", "D": "soon", "U": "ftp://h", "O": "c", "A": "1", "A_FILE": "/x"})
	r.Int("N", 1, 0)
	r.Float("F", 0.5, 0, 1)
	r.Duration("D", time.Second)
	r.URL("U", "")
	r.OneOf("O", "a", "a", "b")
	r.Secret("A")
	r.Required("MISSING")
	err := r.Err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"N:", "F:", "D:", "U:", "O:", "A:", "MISSING:"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q is missing from %q", name, err)
		}
	}
}

func TestUnsetAndEmptyVariablesGiveTheDefault(t *testing.T) {
	r := reader(map[string]string{"E": "  "})
	if got := r.String("E", "d"); got != "d" {
		t.Errorf("empty: %q", got)
	}
	if got := r.Float("F", 0.85, 0, 1); got != 0.85 {
		t.Errorf("unset: %v", got)
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestASecretComesFromItsFileAndStaysHidden(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := reader(map[string]string{"KEY_FILE": file}).Secret("KEY")
	if s.Reveal() != "s3cret" {
		t.Fatalf("got %q", s.Reveal())
	}
	j, _ := json.Marshal(struct{ K Secret }{s})
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", struct{ K Secret }{s}), string(j)} {
		if strings.Contains(shown, "s3cret") {
			t.Errorf("shown: %s", shown)
		}
	}
}
