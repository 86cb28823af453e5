package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A job that a trainer beside accepts while the pods are listed has its pod in
// that list: it is no orphan.
func TestAPodThatIsJustRentedIsNoOrphan(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "jobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	ended := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			ended++
			w.WriteHeader(http.StatusNoContent)
			return
		}
		record := `{"job":{"id":"m-1","state":"provisioning"}}`
		if err := os.WriteFile(filepath.Join(dir, "jobs", "m-1.json"), []byte(record), 0o600); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, `{"pods":[{"id":"new","name":"understudy-cafe-m-1","status":"STARTING"},{"id":"old","name":"understudy-cafe-m-0","status":"RUNNING"},{"id":"other","name":"understudy-beef-m-0","status":"RUNNING"}]}`)
	}))
	defer api.Close()
	t.Setenv("UNDERSTUDY_DATA_DIR", dir)
	t.Setenv("RUNPOD_API_KEY", "key")
	t.Setenv("RUNPOD_BASE_URL", api.URL)
	t.Setenv("INSTALL_ID", "cafe")
	var out, said bytes.Buffer
	if code := orphans([]string{"--end"}, &out, &said); code != 0 {
		t.Fatalf("exit status %d: %s", code, said.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "yes: the job is provisioning") || !strings.Contains(lines[2], "no: ended now") || ended != 1 {
		t.Errorf("%d ended:\n%s", ended, out.String())
	}
}
