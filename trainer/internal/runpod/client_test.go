package runpod

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// api answers each request by the next of its handlers, and the last one for
// ever; it keeps the requests' lines.
type api struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string
	times []time.Time
}

func newAPI(t *testing.T, handlers ...http.HandlerFunc) (*api, *Client) {
	t.Helper()
	pause := firstPause
	firstPause = time.Millisecond
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		h := handlers[min(len(a.lines), len(handlers)-1)]
		a.lines, a.times = append(a.lines, r.Method+" "+r.URL.Path), append(a.times, time.Now())
		a.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(func() { a.Close(); firstPause = pause })
	return a, &Client{URL: a.URL + "/v2", Key: "the-key", UserAgent: "understudy-trainer/test"}
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const aPod = `{"id":"p1","name":"n","status":"PROVISIONING","cost":0.44,"createdAt":"2026-06-01T12:00:00Z","startedAt":null,"runtime":{},"dataCenterId":null}`

func TestWhatIsSentIsWhatTheContractAsksFor(t *testing.T) {
	var body map[string]any
	var header http.Header
	_, c := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_ = json.NewDecoder(r.Body).Decode(&body)
		says(201, aPod)(w, r)
	})
	p, err := c.Create(context.Background(), CreatePod{Name: "n", Image: "i", GPU: CreateGPU{ID: "NVIDIA L4", Count: 1}, Cloud: Secure, Disk: 40,
		Ports: []string{"8000/http"}, Env: map[string]string{"A": "b"}, DataCenterIDs: []string{"EU-RO-1"}, Mounts: &Mounts{Network: []NetworkMount{{"v", "/workspace"}}}})
	if err != nil || p.ID != "p1" || p.Where() != "" || p.Cost != 0.44 {
		t.Fatalf("%+v, %v", p, err)
	}
	if header.Get("Authorization") != "Bearer the-key" || header.Get("User-Agent") != "understudy-trainer/test" || header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", header)
	}
	want := `map[cloud:SECURE dataCenterIds:[EU-RO-1] disk:40 env:map[A:b] gpu:map[count:1 id:NVIDIA L4] image:i mounts:map[network:[map[path:/workspace volumeId:v]]] name:n ports:[8000/http]]`
	if got := fmt.Sprint(body); got != want {
		t.Errorf("sent %s", got)
	}
}

func TestReadingIsRepeatedWhileTheTroubleMayPass(t *testing.T) {
	for name, c := range map[string]struct {
		first http.HandlerFunc
		calls int
		fails string
	}{
		"500":                     {says(500, `{"title":"Internal Server Error","status":500,"detail":"oops"}`), 2, ""},
		"502 from something else": {says(502, "<html>bad gateway</html>"), 2, ""},
		"429":                     {says(429, `{"title":"Too Many Requests","status":429,"detail":"slow down"}`), 2, ""},
		"no answer":               {breaks, 2, ""},
		"an answer of no shape":   {says(200, `[]`), 2, ""},
		"401 is not":              {says(401, `{"title":"Unauthorized","status":401,"detail":"missing bearer token"}`), 1, "RunPod answered 401: missing bearer token"},
		"404 is not":              {says(404, `{"title":"Not Found","status":404,"detail":"pod not found"}`), 1, "404: pod not found"},
	} {
		t.Run(name, func(t *testing.T) {
			a, client := newAPI(t, c.first, says(200, `{"pods":[]}`))
			_, err := client.Pods(context.Background())
			if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%v", err)
			}
			if len(a.lines) != c.calls {
				t.Errorf("%d calls: %v", len(a.lines), a.lines)
			}
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	a, client := newAPI(t, says(429, `{}`, "Retry-After", "1"), says(200, `{"pods":[]}`))
	if _, err := client.Pods(context.Background()); err != nil {
		t.Fatal(err)
	}
	if wait := a.times[1].Sub(a.times[0]); wait < time.Second {
		t.Errorf("asked again after %s", wait)
	}
}

func TestAQuotaThatIsUsedUpIsWaitedFor(t *testing.T) {
	a, client := newAPI(t, says(200, `{"pods":[]}`, "RateLimit", `"minute";r=0;t=1, "hour";r=2800;t=1812`))
	for range 2 {
		if _, err := client.Pods(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if wait := a.times[1].Sub(a.times[0]); wait < 900*time.Millisecond {
		t.Errorf("asked again after %s", wait)
	}
	for header, want := range map[string]time.Duration{
		"": 0, "nonsense": 0, `"minute";r=3;t=12`: 0, `"minute";r=0;t=12, "hour";r=0;t=60`: time.Minute,
	} {
		if got := exhausted(header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}

func TestACreateWithoutAnAnswerIsLookedUpBeforeItIsRepeated(t *testing.T) {
	list, empty := says(200, `{"pods":[{"id":"other","name":"x"},`+aPod+`]}`), says(200, `{"pods":[]}`)
	for name, c := range map[string]struct {
		handlers []http.HandlerFunc
		want     string
	}{
		"it was carried out":     {[]http.HandlerFunc{breaks, list}, "POST GET"},
		"it answered 500":        {[]http.HandlerFunc{says(500, "{}"), list}, "POST GET"},
		"it is listed late":      {[]http.HandlerFunc{breaks, empty, empty, list}, "POST GET GET GET"},
		"it was not carried out": {[]http.HandlerFunc{breaks, empty, empty, empty, says(201, aPod)}, "POST GET GET GET POST"},
		"it was refused for now": {[]http.HandlerFunc{says(429, "{}"), says(201, aPod)}, "POST POST"},
	} {
		t.Run(name, func(t *testing.T) {
			a, client := newAPI(t, c.handlers...)
			p, err := client.Create(context.Background(), CreatePod{Name: "n"})
			if err != nil || p.ID != "p1" {
				t.Errorf("%+v, %v", p, err)
			}
			var methods []string
			for _, line := range a.lines {
				method, _, _ := strings.Cut(line, " ")
				methods = append(methods, method)
			}
			if got := strings.Join(methods, " "); got != c.want {
				t.Errorf("called %s", got)
			}
		})
	}
}

func TestACreateWhoseOutcomeCannotBeFoundOutIsNotRepeated(t *testing.T) {
	a, client := newAPI(t, breaks, says(403, `{"title":"Forbidden","status":403,"detail":"access denied"}`))
	if _, err := client.Create(context.Background(), CreatePod{Name: "n"}); err == nil {
		t.Fatal("no error")
	}
	if got := strings.Join(a.lines, ", "); got != "POST /v2/pods, GET /v2/pods" {
		t.Errorf("called %s", got)
	}
}

func TestAPodThatIsGoneIsEnded(t *testing.T) {
	_, client := newAPI(t, says(500, "{}"), says(404, `{"title":"Not Found","status":404,"detail":"pod not found"}`))
	if err := client.Delete(context.Background(), "p1"); err != nil {
		t.Error(err)
	}
}

func TestTheBillIsThatOfThePod(t *testing.T) {
	_, client := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("podId") != "p1" || r.URL.Query().Get("bucketSize") != "hour" {
			t.Errorf("asked %s", r.URL)
		}
		says(200, `{"records":[{"podId":"p1","totalAmount":0.25},{"podId":"p2","totalAmount":9},{"podId":"p1","totalAmount":0.5}],"metadata":{}}`)(w, r)
	})
	if usd, known, err := client.Billed(context.Background(), "p1", time.Now()); usd != 0.75 || !known || err != nil {
		t.Errorf("%g %t %v", usd, known, err)
	}
}

func TestAnErrorIsWhatTheProblemSays(t *testing.T) {
	_, client := newAPI(t, says(422, `{"title":"Unprocessable Entity","status":422,"detail":"Request validation failed.","errors":["$: additional properties 'bogus' not allowed"]}`))
	_, err := client.Create(context.Background(), CreatePod{Name: "n"})
	if StatusOf(err) != 422 || !strings.Contains(err.Error(), "Request validation failed. ($: additional properties 'bogus' not allowed)") {
		t.Error(err)
	}
}
