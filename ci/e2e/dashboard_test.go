package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

// dashboard takes every page of the dashboard, and all that the pages refer to,
// from the Service and from each replica behind it, and holds it against what
// was built; then it signs in at one and reads through each.
func (w *world) dashboard(t *testing.T) {
	t.Helper()
	built := filepath.Join(platform.Root(t), "frontend/cmd/frontend/dashboard")
	pages, _ := filepath.Glob(filepath.Join(built, "*.html"))
	if len(pages) == 0 {
		result(t, "the dashboard was not built, which needs Node.js: the small status page stands in")
		return
	}
	at := strings.Fields(kubectl(t, "get", "service", "frontend-service", "-o", "jsonpath={.spec.clusterIP}") + " " +
		kubectl(t, "get", "pods", "-l", "app=frontend", "-o", "jsonpath={.items[*].status.podIP}"))
	if len(at) != 3 {
		t.Fatalf("the Service and its replicas have the addresses %v", at)
	}
	key := signIn(t, at[0], w.Admin)
	files := map[string]bool{}
	for _, address := range at {
		for _, page := range pages {
			name := filepath.Base(page)
			if name == "404.html" || strings.HasPrefix(name, "_") {
				continue
			}
			for _, m := range refers.FindAllStringSubmatch(same(t, address, "/"+strings.TrimSuffix(name, ".html"), page), -1) {
				files[m[1]] = true
				same(t, address, m[1], filepath.Join(built, m[1]))
			}
		}
		status, body := read(t, "http://"+address+":3000/api/v1/status", key)
		if status != http.StatusOK || !bytes.Contains(body, []byte(`"version"`)) {
			t.Errorf("signed in by the Service, %s answers %d %.200s", address, status, body)
		}
	}
	result(t, "the dashboard, from frontend-service and from both replicas as it was built: %d pages, %d files; signed in at one, read through each", len(pages)-2, len(files))
}

var refers = regexp.MustCompile(`(?:src|href)="(/[^"?]+\.[a-z0-9]+)"`)

// same returns what a replica serves under a path, which must be the file.
func same(t *testing.T, address, path, file string) string {
	t.Helper()
	want, err := os.ReadFile(file)
	must(t, err)
	status, got := read(t, "http://"+address+":3000"+path, nil)
	if status != http.StatusOK || !bytes.Equal(got, want) {
		t.Errorf("%s from %s: status %d, %d bytes instead of the %d that were built", path, address, status, len(got), len(want))
	}
	return string(got)
}

// signIn returns the session that the admin key gets.
func signIn(t *testing.T, address, key string) *http.Cookie {
	t.Helper()
	res, err := http.Post("http://"+address+":3000/session", "application/json", strings.NewReader(`{"key":"`+key+`"}`))
	must(t, err)
	defer res.Body.Close()
	if len(res.Cookies()) != 1 {
		t.Fatalf("signing in: %s", res.Status)
	}
	return res.Cookies()[0]
}

func read(t *testing.T, url string, session *http.Cookie) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	must(t, err)
	if session != nil {
		req.AddCookie(session)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, b
}
