package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
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
	"testing/fstest"
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

// backend knows one key and says what reached it.
func backend(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/docs/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<script>go()</script>`))
		case r.Header.Get("Authorization") != "Bearer ua-secret" || r.Header.Get("Cookie") != "":
			http.Error(w, `{"detail":"no"}`, http.StatusUnauthorized)
		case r.URL.Path == "/api/v1/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("data: " + r.Header.Get("Last-Event-ID") + "\n\n"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write([]byte(r.Method + " " + r.URL.RequestURI() + " " + string(body)))
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestTheBackendIsReachedOnlyWithTheKey(t *testing.T) {
	b := newBrowser(start(t, backend(t)))
	if res, body := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 401 || !strings.Contains(body, "Sign in") {
		t.Errorf("without a key: %d %s", res.StatusCode, body)
	}
	if _, body := b.do(t, "GET", "/api/session", ""); !strings.Contains(body, `"signedIn":false`) {
		t.Errorf("before: %s", body)
	}
	res, _ := b.do(t, "POST", "/session", `{"key":" ua-secret "}`)
	if c := res.Header.Get("Set-Cookie"); res.StatusCode != 204 || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") {
		t.Errorf("sign in: %d %q", res.StatusCode, c)
	}
	if _, body := b.do(t, "GET", "/api/session", ""); !strings.Contains(body, `"signedIn":true`) {
		t.Errorf("after: %s", body)
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if res, body := b.do(t, method, "/api/v1/x?y=1", "z"); res.StatusCode != 200 || body != method+" /api/v1/x?y=1 z" {
			t.Errorf("%s with the key: %d %q", method, res.StatusCode, body)
		}
	}
	if res, body := b.do(t, "PUT", "/api/v1/bypass", "{}", "Sec-Fetch-Site", "cross-site"); res.StatusCode != 403 {
		t.Errorf("another site's change: %d %s", res.StatusCode, body)
	}
	b.do(t, "DELETE", "/session", "")
	if res, _ := b.do(t, "GET", "/api/v1/status", ""); res.StatusCode != 401 {
		t.Errorf("signed out: %d", res.StatusCode)
	}
}

func TestAKeyIsRefusedWhereItIsTyped(t *testing.T) {
	known, silent := newBrowser(start(t, backend(t))), newBrowser(start(t, "http://127.0.0.1:1"))
	for name, c := range map[string]struct {
		browser    browser
		body, site string
		status     int
		says       string
	}{
		"no key":                 {known, `{}`, "same-origin", 422, "no admin key"},
		"a key with a space":     {known, `{"key":"a b"}`, "same-origin", 422, "no admin key"},
		"no JSON":                {known, `key`, "same-origin", 400, "JSON"},
		"another site's form":    {known, `{"key":"ua-secret"}`, "cross-site", 403, ""},
		"a wrong key":            {known, `{"key":"ua-wrong"}`, "same-origin", 401, "does not know this key"},
		"a backend that is down": {silent, `{"key":"ua-secret"}`, "same-origin", 502, "does not answer"},
	} {
		res, body := c.browser.do(t, "POST", "/session", c.body, "Sec-Fetch-Site", c.site)
		if res.StatusCode != c.status || !strings.Contains(body, c.says) || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, body, c.status)
		}
	}
}

// The end of the program is checked where it was started: a stream does not hold it up.
func TestEventsComeAsTheyHappen(t *testing.T) {
	b := newBrowser(start(t, backend(t)))
	b.do(t, "POST", "/session", `{"key":"ua-secret"}`)
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.base+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", "41")
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "data: 41\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestThePagesNeedNothingFromElsewhere(t *testing.T) {
	b := newBrowser(start(t, "http://127.0.0.1:1"))
	for path, want := range map[string]string{"/": "text/html", "/healthz": "", "/readyz": "", "/metrics": "", "/config.json": "application/json"} {
		res, body := b.do(t, "GET", path, "")
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if want == "text/html" && regexp.MustCompile(`(src|href)="https?://`).MatchString(body) {
			t.Errorf("%s takes something from another host", path)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

func TestTheDocumentationRunsUnderItsOwnPolicy(t *testing.T) {
	b := newBrowser(start(t, backend(t)))
	res, body := b.do(t, "GET", "/docs/", "")
	sum := sha256.Sum256([]byte("go()"))
	policies := res.Header.Values("Content-Security-Policy")
	if body != `<script>go()</script>` || len(policies) != 1 || !strings.Contains(policies[0], "script-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") {
		t.Errorf("%q %q", policies, body)
	}
}

func TestASiteIsServedAsItWasExported(t *testing.T) {
	s, err := newSite(fstest.MapFS{
		"index.html":            {Data: []byte(`<script src="/a.js"></script><script id="x">one()</script>`)},
		"endpoint.html":         {Data: []byte(`<script>two()</script>`)},
		"endpoint/__next.txt":   {Data: []byte("rows")},
		"404.html":              {Data: []byte("nothing")},
		"_next/static/a1.js":    {Data: []byte("long script")},
		"_next/static/a1.js.br": {Data: []byte("short")},
		"_next/static/a1.js.gz": {Data: []byte("shorter")},
		".gitignore":            {Data: []byte("*")},
	})
	if err != nil {
		t.Fatal(err)
	}
	hash := func(script string) string {
		sum := sha256.Sum256([]byte(script))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	for name, c := range map[string]struct {
		path, accepts string
		status        int
		body          string
		header, want  string
	}{
		"the first page":             {"/", "", 200, `one()`, "Content-Security-Policy", "script-src 'self' " + hash("one()") + ";"},
		"a page without its ending":  {"/endpoint?name=x", "", 200, `two()`, "Content-Security-Policy", "script-src 'self' " + hash("two()") + ";"},
		"a file beside a page":       {"/endpoint/__next.txt", "", 200, "rows", "Content-Type", "text/plain"},
		"a script, plain":            {"/_next/static/a1.js", "", 200, "long script", "Cache-Control", "immutable"},
		"a script, packed":           {"/_next/static/a1.js", "gzip, br", 200, "short", "Content-Encoding", "br"},
		"a script, packed otherwise": {"/_next/static/a1.js", "gzip, br;q=0", 200, "shorter", "Content-Encoding", "gzip"},
		"nothing":                    {"/nowhere", "", 404, "nothing", "Content-Type", "text/html"},
		"the build's own file":       {"/.gitignore", "", 404, "nothing", "Cache-Control", "no-cache"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Header.Set("Accept-Encoding", c.accepts)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || !strings.Contains(w.Header().Get(c.header), c.want) {
			t.Errorf("%s: %d %q, %s: %q", name, w.Code, w.Body, c.header, w.Header().Get(c.header))
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}
