package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// start runs the real binary on a free port and returns its URL; it ends cleanly with the test.
func start(t *testing.T, backend string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "understudy-frontend")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "LISTEN_ADDR=127.0.0.1:0", "BACKEND_URL="+backend)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it did not end cleanly: %v", err)
		}
	})
	return "http://" + regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)[1]
}

type browser struct {
	*http.Client
	base string
}

func newBrowser(base string) browser {
	jar, _ := cookiejar.New(nil)
	return browser{&http.Client{Jar: jar}, base}
}

func (b browser) do(t *testing.T, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestTheStatusReachesThePageOnlyWithTheKey(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/status" || r.Header.Get("Authorization") != "Bearer ua-secret" || r.Header.Get("Cookie") != "" {
			http.Error(w, `{"detail":"no"}`, http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"version":"test"}`))
	}))
	defer backend.Close()
	base := start(t, backend.URL)
	b := newBrowser(base)

	if res, body := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 401 || !strings.Contains(body, "Sign in") {
		t.Errorf("without a key: %d %s", res.StatusCode, body)
	}
	res, _ := b.do(t, "POST", "/session", `{"key":" ua-secret "}`)
	if c := res.Header.Get("Set-Cookie"); res.StatusCode != 204 || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") {
		t.Errorf("sign in: %d %q", res.StatusCode, c)
	}
	if res, body := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 200 || body != `{"version":"test"}` {
		t.Errorf("with the key: %d %s", res.StatusCode, body)
	}
	b.do(t, "DELETE", "/session", "")
	if res, _ := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 401 {
		t.Errorf("signed out: %d", res.StatusCode)
	}

	for name, c := range map[string]struct {
		body, site string
		status     int
	}{
		"no key":              {`{}`, "same-origin", 422},
		"a key with a space":  {`{"key":"a b"}`, "same-origin", 422},
		"no JSON":             {`key`, "same-origin", 400},
		"another site's form": {`{"key":"x"}`, "cross-site", 403},
	} {
		if res, body := b.do(t, "POST", "/session", c.body, "Sec-Fetch-Site", c.site); res.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, body, c.status)
		}
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	base := start(t, "http://127.0.0.1:1")
	b := newBrowser(base)
	for path, want := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/style.css": "text/css", "/healthz": "", "/readyz": "", "/metrics": ""} {
		res, body := b.do(t, "GET", path, "")
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if want != "" && regexp.MustCompile(`https?://`).MatchString(body) {
			t.Errorf("%s names another host", path)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	b.do(t, "POST", "/session", `{"key":"x"}`)
	if res, body := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 502 || !strings.Contains(body, "backend does not answer") {
		t.Errorf("backend down: %d %s", res.StatusCode, body)
	}
}
