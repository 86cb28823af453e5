package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestARunningRequestIsFinishedBeforeTheEnd(t *testing.T) {
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	entered := make(chan struct{})
	ended := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-ctx.Done()
		io.WriteString(w, "done")
	})
	go func() { ended <- HTTP(ctx, ln, h, 10*time.Second) }()
	got := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		got <- string(b)
	}()
	<-entered
	stop()
	if s := <-got; s != "done" {
		t.Errorf("the client got %q", s)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBadBodiesAreAnsweredWithAReason(t *testing.T) {
	cases := map[string]struct {
		body   string
		status int
	}{
		"a good body":      {`{"a":1}`, 200},
		"an empty body":    {``, 400},
		"broken JSON":      {`{"a":`, 400},
		"two values":       {`{} {}`, 400},
		"a too large body": {`{"a":"` + strings.Repeat("x", 200) + `"}`, 413},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			var v map[string]any
			ok := Decode(w, httptest.NewRequest("POST", "/", strings.NewReader(c.body)), 100, &v)
			if ok != (c.status == 200) || w.Code != c.status {
				t.Errorf("ok %v, status %d: %s", ok, w.Code, w.Body)
			}
		})
	}
}

func TestOnlyTheTokenOpensTheDoor(t *testing.T) {
	for name, c := range map[string]struct {
		want, header string
		status       int
	}{
		"the token":              {"t", "Bearer t", 200},
		"the scheme in any case": {"t", "bearer t", 200},
		"another token":          {"t", "Bearer x", 401},
		"no token":               {"t", "", 401},
		"basic":                  {"t", "Basic t", 401},
		"nothing configured":     {"", "Bearer ", 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", c.header)
			w := httptest.NewRecorder()
			Bearer(c.want, http.HandlerFunc(Healthz)).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

func TestReadinessTellsTheReason(t *testing.T) {
	w := httptest.NewRecorder()
	Readyz(func(context.Context) error { return errors.New("the model is loading") })(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "loading") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
