package httpapi

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

type releases struct {
	list []understudy.Applied
	err  error
}

func (r releases) List(context.Context) ([]understudy.Applied, error) { return r.list, r.err }

func TestStatusShowsWhatAMonitorShows(t *testing.T) {
	b := start(t, func(c *Config) {
		c.Releases = releases{list: []understudy.Applied{{Name: "slm-triage-v1", Revision: 2, Status: "deployed"}}}
	})
	b.endpoint("quiet")
	b.endpoint("triage")
	m := b.onStage("triage")
	failed := b.model("triage", understudy.Failure) // newer, but not on stage
	teacher, shadow := sampled(m, "", "x", "x")
	served := shadow
	served.ID, served.Reason, served.TeacherPair = "v", understudy.ReasonNormal, ""
	b.insert(teacher, shadow, served)
	if err := b.db.Heartbeat(t.Context(), "r1", 7, time.Now()); err != nil {
		t.Fatal(err)
	}
	var s wire.Status
	b.call("GET", "/status", nil, 200, &s)
	if s.Version != "1.2.3" || s.Mode != "local" || len(s.Endpoints) != 2 || s.Phases["deployed"] != 1 || s.Phases["failed"] != 1 {
		t.Fatalf("got %+v", s)
	}
	if s.DefaultThreshold != 0.85 {
		t.Errorf("the default threshold is %v", s.DefaultThreshold)
	}
	quiet, triage := s.Endpoints[0], s.Endpoints[1]
	if quiet.Phase != "" || quiet.Model != nil {
		t.Errorf("got %+v", quiet)
	}
	if triage.Phase != "deployed" || triage.Model.ID != m.ID || triage.SLMShare != 0.5 || triage.Agreement != 1 || triage.Sampled != 1 {
		t.Errorf("got %+v", triage)
	}
	if len(s.Replicas) != 1 || s.Replicas[0].RouteGeneration != 7 || len(s.Releases) != 1 || s.Releases[0].Revision != 2 {
		t.Errorf("got %+v, %+v", s.Replicas, s.Releases)
	}
	if w := strings.Join(s.Warnings, "\n"); !strings.Contains(w, failed.Name()) {
		t.Errorf("got warnings %q", w)
	}
}

func TestStatusLivesWithoutReleases(t *testing.T) {
	b := start(t, func(c *Config) { c.Releases = releases{err: errors.New("no stage")}; c.Upstreams = nil })
	var s wire.Status
	b.call("GET", "/status", nil, 200, &s)
	if w := strings.Join(s.Warnings, "\n"); !strings.Contains(w, "no stage") || !strings.Contains(w, "upstream") {
		t.Fatalf("got warnings %q", w)
	}
}

// stream opens the events and returns its lines.
func (b *bench) stream(path string, header ...string) <-chan string {
	b.t.Helper()
	req, _ := http.NewRequestWithContext(b.t.Context(), "GET", b.url+"/api/v1"+path, nil)
	req.Header.Set("Authorization", "Bearer "+adminKey)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("status %d, type %q", res.StatusCode, res.Header.Get("Content-Type"))
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// until reads lines until one holds part.
func until(t *testing.T, lines <-chan string, part string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatalf("the stream ended before %q", part)
			}
			if strings.Contains(l, part) {
				return l
			}
		case <-deadline:
			t.Fatalf("waited in vain for %q", part)
		}
	}
}

func TestEventsGoOnFromTheCursor(t *testing.T) {
	b := start(t)
	b.endpoint("first")
	b.endpoint("second")
	b.endpoint("third")
	all := b.stream("/events?after=0")
	for _, name := range []string{"first", "second", "third"} {
		until(t, all, `"endpoint":"`+name+`"`)
	}
	id := until(t, b.stream("/events?after=0"), "id: ")
	if l := until(t, b.stream("/events", "Last-Event-ID", strings.TrimPrefix(id, "id: ")), "data: "); !strings.Contains(l, "second") {
		t.Fatalf("after %s came %s", id, l)
	}
	fresh, one := b.stream("/events"), b.stream("/events?after=0&endpoint=fourth")
	until(t, fresh, "retry")
	b.endpoint("fourth")
	if l := until(t, fresh, "data: "); !strings.Contains(l, "fourth") {
		t.Fatalf("a stream without a cursor began with %s", l)
	}
	if l := until(t, one, "data: "); !strings.Contains(l, "fourth") {
		t.Fatalf("a stream of one endpoint told %s", l)
	}
	b.call("GET", "/events?after=x", nil, 422, nil)
}

func TestEventsOfOtherReplicasAreSeen(t *testing.T) {
	changes := make(chan struct{}, 1)
	b := start(t, func(c *Config) { c.Changes = changes })
	lines := b.stream("/events")
	until(t, lines, "retry")
	if err := b.db.AppendEvent(t.Context(), understudy.Event{Kind: "test", Message: "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	changes <- struct{}{}
	until(t, lines, "elsewhere")
}

func TestAQuietStreamBeats(t *testing.T) {
	b := start(t, func(c *Config) { c.Heartbeat = 10 * time.Millisecond })
	until(t, b.stream("/events"), ": still here")
}

func TestStreamsEndWithTheProcess(t *testing.T) {
	b := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := b.api.Config
	b.api = New(ctx, c)
	server := httptest.NewServer(b.api)
	t.Cleanup(server.Close)
	b.url = server.URL
	lines := b.stream("/events")
	until(t, lines, "retry")
	cancel()
	for range lines {
	}
}
