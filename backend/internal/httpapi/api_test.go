package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/wire"
	"understudy.dev/service/token"
)

const (
	adminKey     = "ua-admin"
	serviceToken = "service-token"
)

// heard is an Announcer that remembers.
type heard struct {
	mu      sync.Mutex
	woken   []string
	changed int
}

func (h *heard) Wake(_ context.Context, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.woken = append(h.woken, name)
	return nil
}

func (h *heard) Changed(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed++
	return nil
}

func (h *heard) of(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.woken, name) && h.changed > 0
}

// router is a gateway that knows what it caught up with.
type router struct {
	db   *database.DB
	have understudy.Snapshot
}

func (r *router) CatchUp(ctx context.Context) (err error) {
	r.have, err = r.db.Snapshot(ctx)
	return err
}

func TestAnAnsweredWriteIsRouted(t *testing.T) {
	r := &router{}
	b := start(t, func(c *Config) { r.db, c.Routes = c.DB.(*database.DB), r })
	b.endpoint("triage")
	if _, there := r.have.Endpoints["triage"]; !there {
		t.Errorf("the endpoint was answered before the gateway knew it: %+v", r.have)
	}
}

func TestAnAnsweredWriteIsRoutedByEveryReplica(t *testing.T) {
	caughtUp := make(chan struct{}, 1)
	b := start(t, func(c *Config) { c.Replicated, c.Routes = true, signal(caughtUp) })
	beat := func(generation int64) {
		if err := b.db.Heartbeat(context.WithoutCancel(t.Context()), "other", generation, time.Now()); err != nil {
			t.Error(err)
		}
	}
	beat(0)
	go func() {
		<-caughtUp // the write is done
		now, err := b.db.RouteGeneration(context.WithoutCancel(t.Context()))
		if err == nil {
			beat(now)
		}
	}()
	b.endpoint("triage")
	if n, err := b.api.behind(t.Context()); n != 0 || err != nil {
		t.Errorf("answered while %d replicas were behind, %v", n, err)
	}
}

type signal chan struct{}

func (s signal) CatchUp(context.Context) error {
	s <- struct{}{}
	return nil
}

// bench is the real handler before a real database.
type bench struct {
	t     *testing.T
	db    *database.DB
	api   *API
	url   string
	heard *heard
	reads reads // since the last bounded
}

func start(t *testing.T, edit ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, heard: &heard{}}
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "understudy.db"), database.WithTrace(b.reads.trace))
	if err != nil {
		t.Fatal(err)
	}
	b.db = db
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := Config{
		DB: db, AdminKey: adminKey, ServiceToken: serviceToken, Announce: b.heard, Version: "1.2.3", Mode: "local",
		Upstreams: []understudy.Upstream{{Name: "openai", Kind: understudy.UpstreamOpenAI, BaseURL: "https://api.openai.com/v1", Key: "sk-secret", Default: true}},
		Gateway: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/abort" {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, "gateway "+r.Method+" "+r.URL.Path)
		}),
	}
	for _, e := range edit {
		e(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.api = New(ctx, c)
	server := httptest.NewServer(b.api)
	b.url = server.URL
	t.Cleanup(func() { cancel(); server.Close() })
	return b
}

// send returns the status and the body; in is nil, a string, or JSON.
func (b *bench) send(bearer, method, path string, in any) (int, []byte) {
	b.t.Helper()
	var reader io.Reader
	switch v := in.(type) {
	case nil:
	case string:
		reader = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode >= 400 && strings.HasPrefix(path, "/api") && res.Header.Get("Content-Type") != "application/problem+json" {
		b.t.Errorf("%s %s: an error of type %q: %s", method, path, res.Header.Get("Content-Type"), raw)
	}
	return res.StatusCode, raw
}

// call is send to the management API; it fails the test where the status is
// another, and decodes into out where that is not nil.
func (b *bench) call(method, path string, in any, want int, out any) string {
	b.t.Helper()
	status, raw := b.send(adminKey, method, "/api/v1"+path, in)
	if status != want {
		b.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			b.t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	return string(raw)
}

func (b *bench) endpoint(name string) {
	b.t.Helper()
	b.call("POST", "/endpoints", map[string]any{"name": name, "upstreamModel": "gpt-4o-mini"}, 201, nil)
}

// model takes an endpoint's next model through the triggers.
func (b *bench) model(endpoint string, triggers ...understudy.Trigger) understudy.Model {
	b.t.Helper()
	m, err := b.db.CreateModel(b.t.Context(), 0, understudy.Model{Endpoint: endpoint})
	for _, tr := range triggers {
		if err == nil {
			m, err = b.db.Move(b.t.Context(), 0, m, tr, nil)
		}
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// onStage is an endpoint's next model, deployed.
func (b *bench) onStage(endpoint string) understudy.Model {
	b.t.Helper()
	m, _, err := b.db.TakeStage(b.t.Context(), 0, b.model(endpoint, toAvailable...), 10)
	if err == nil {
		m, err = b.db.CutOver(b.t.Context(), 0, m)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// sampled are the two answers to a request that the model answered in the
// shadow.
func sampled(m understudy.Model, id, llm, slm string) (teacher, shadow understudy.Pair) {
	teacher = llmPair(m.Endpoint, func(p *understudy.Pair) {
		p.ID, p.Answer.Text, p.Reason = "t"+id, llm, understudy.ReasonSample
	})
	shadow = teacher
	shadow.ID, shadow.Answer.Text, shadow.Source, shadow.Reason = "s"+id, slm, understudy.SourceSLM, understudy.ReasonShadow
	shadow.TeacherPair, shadow.ModelID = teacher.ID, m.ID
	return teacher, shadow
}

var toAvailable = []understudy.Trigger{understudy.Progress, understudy.Progress, understudy.Progress}

func TestEveryRouteAsksForItsKey(t *testing.T) {
	b := start(t)
	pod := func(model string, attempt int, scope string) string {
		raw, err := token.Sign(serviceToken, token.Claims{Model: model, Attempt: attempt, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	const prompts = "/internal/v1/models/m/evaluations/2/prompts"
	for _, c := range []struct {
		name, bearer, path string
		refused            bool
	}{
		{"no key for the management API", "", "/api/v1/endpoints", true},
		{"a wrong key", "ua-other", "/api/v1/endpoints", true},
		{"the service token for the management API", serviceToken, "/api/v1/endpoints", true},
		{"the admin key", adminKey, "/api/v1/endpoints", false},
		{"the export without a key", "", "/api/v1/endpoints/a/pairs:export", true},
		{"the events without a key", "", "/api/v1/events", true},
		{"the service token for prompts", serviceToken, prompts, false},
		{"the admin key for prompts", adminKey, prompts, true},
		{"a pod's token", pod("m", 2, token.ScopeBatch), prompts, false},
		{"a pod's token of another model", pod("n", 2, token.ScopeBatch), prompts, true},
		{"a pod's token of another attempt", pod("m", 1, token.ScopeBatch), prompts, true},
		{"a serving pod's token", pod("m", 2, token.ScopeServe), prompts, true},
		{"a pod's token for the data set", pod("m", 2, token.ScopeBatch), "/internal/v1/models/m/dataset", true},
		{"the service token for the data set", serviceToken, "/internal/v1/models/m/dataset", false},
		{"health without a key", "", "/healthz", false},
		{"readiness without a key", "", "/readyz", false},
		{"metrics without a key", "", "/metrics", false},
		{"the description without a key", "", "/openapi.json", false},
		{"the page without a key", "", "/docs/", false},
		{"the gateway has keys of its own", "", "/v1/models", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, raw := b.send(c.bearer, "GET", c.path, nil)
			if refused := status == http.StatusUnauthorized; refused != c.refused {
				t.Fatalf("status %d: %s", status, raw)
			}
		})
	}
}

func TestAnEmptyKeyOpensNothing(t *testing.T) {
	b := start(t, func(c *Config) { c.AdminKey, c.ServiceToken = "", "" })
	for _, path := range []string{"/api/v1/endpoints", "/internal/v1/models/m/dataset"} {
		if status, _ := b.send("", "GET", path, nil); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func TestTheDescriptionIsComplete(t *testing.T) {
	b := start(t)
	status, raw := b.send("", "GET", "/openapi.json", nil)
	var d struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(raw, &d); err != nil || status != 200 || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatalf("status %d, %v, version %q", status, err, d.OpenAPI)
	}
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			id, _ := op["operationId"].(string)
			if summary, _ := op["summary"].(string); summary == "" || id == "" || ids[id] {
				t.Errorf("%s %s: summary %q, id %q", method, path, summary, id)
			}
			ids[id] = true
			if responses, _ := op["responses"].(map[string]any); len(responses) == 0 {
				t.Errorf("%s %s says no response", method, path)
			}
			for _, name := range between(path, "{", "}") {
				if !strings.Contains(string(must(json.Marshal(op["parameters"]))), `"name":"`+name+`"`) {
					t.Errorf("%s %s does not say what %s is", method, path, name)
				}
			}
		}
	}
	for _, path := range []string{"/api/v1/endpoints/{endpoint}/pairs:import", "/api/v1/models/{model}/deploy", "/api/v1/events"} {
		if d.Paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	if len(ids) < 30 {
		t.Errorf("only %d operations", len(ids))
	}
	resolveAll(t, raw)
}

// resolveAll follows every $ref.
func resolveAll(t *testing.T, raw []byte) {
	t.Helper()
	var root any
	_ = json.Unmarshal(raw, &root)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				at := root
				for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					m, _ := at.(map[string]any)
					at = m[part]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(root)
}

func between(s, open, closing string) (names []string) {
	for {
		_, rest, ok := strings.Cut(s, open)
		if !ok {
			return names
		}
		name, after, _ := strings.Cut(rest, closing)
		names, s = append(names, name), after
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestThePageNeedsNoNetwork(t *testing.T) {
	b := start(t)
	status, raw := b.send("", "GET", "/docs/", nil)
	if status != 200 || !strings.Contains(string(raw), "/openapi.json") {
		t.Fatalf("status %d: %s", status, raw)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if strings.Contains(line, "src=") || strings.Contains(line, "<link") {
			if strings.Contains(line, "http://") || strings.Contains(line, "https://") {
				t.Errorf("the page loads from elsewhere: %s", line)
			}
		}
	}
	if status, _ := b.send("", "GET", "/docs/swagger-ui-bundle.js", nil); status != 200 {
		t.Errorf("its script: status %d", status)
	}
	if status, _ := b.send("", "GET", "/docs", nil); status != 200 {
		t.Errorf("/docs: status %d", status)
	}
}

func TestTheGatewayIsUnderV1(t *testing.T) {
	b := start(t)
	for method, path := range map[string]string{"POST": "/v1/chat/completions", "GET": "/v1/models", "DELETE": "/v1/files/1"} {
		if _, raw := b.send("", method, path, nil); string(raw) != "gateway "+method+" "+path {
			t.Errorf("got %q", raw)
		}
	}
	if res, err := http.Get(b.url + "/v1/abort"); err == nil {
		res.Body.Close()
		t.Error("a connection that the gateway broke off ended well")
	}
}

func TestWhatIsNotThereIsAProblem(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/nothing", 404}, {"PUT", "/api/v1/endpoints", 405}, {"GET", "/api/v1/models/none", 404},
		{"GET", "/api/v1/models/none-v1", 404}, {"GET", "/api/v1/endpoints/none", 404}, {"POST", "/api/v1/endpoints/none/train", 404},
		{"GET", "/api/v1/endpoints/none/pairs", 404}, {"GET", "/api/v1/endpoints/none/pairs:export", 404},
	} {
		var p struct {
			Title, Detail string
			Status        int
		}
		status, raw := b.send(adminKey, c.method, c.path, nil)
		if err := json.Unmarshal(raw, &p); err != nil || status != c.status || p.Status != c.status || p.Detail == "" {
			t.Errorf("%s %s: status %d: %s", c.method, c.path, status, raw)
		}
	}
}

func TestReadinessIsAskedFor(t *testing.T) {
	why := understudy.Errorf(understudy.Unavailable, "no snapshot yet")
	b := start(t, func(c *Config) { c.Ready = func(context.Context) error { return why } })
	if status, raw := b.send("", "GET", "/readyz", nil); status != 503 || !strings.Contains(string(raw), "no snapshot yet") {
		t.Fatalf("status %d: %s", status, raw)
	}
}

func TestADatabaseThatIsGoneIsNoSecretAndNoPanic(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	_ = b.db.Close()
	status, raw := b.send(adminKey, "GET", "/api/v1/endpoints", nil)
	if status < 500 || strings.Contains(string(raw), "sql") {
		t.Fatalf("status %d: %s", status, raw)
	}
}

func TestListsComeInPages(t *testing.T) {
	b := start(t)
	for _, name := range []string{"c", "a", "e", "b", "d"} {
		b.endpoint(name)
	}
	var names []string
	cursor := ""
	for range 3 {
		var page wire.Page[wire.Endpoint]
		b.call("GET", "/endpoints?limit=2&cursor="+cursor, nil, 200, &page)
		for _, e := range page.Items {
			names = append(names, e.Name)
		}
		cursor = page.Next
	}
	if strings.Join(names, "") != "abcde" || cursor != "" {
		t.Fatalf("got %v, then %q", names, cursor)
	}
	b.call("GET", "/endpoints?limit=501", nil, 422, nil)
}
