package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
)

type contract struct {
	PutDataset struct {
		Path           string
		PartLimitBytes int64
		Response       json.RawMessage
	}
	Train    struct{ Request json.RawMessage }
	Cancel   struct{ Method, Path string }
	Status   struct{ Response json.RawMessage }
	States   []State
	Artifact struct{ Path string }
}

func read(t *testing.T) (c contract) {
	t.Helper()
	b, err := os.ReadFile("../../../ci/contract/agent.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func fields(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What we send and read is what the contract shows.
func TestTheClientSpeaksTheContract(t *testing.T) {
	c := read(t)
	var seen []*http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		body, _ = io.ReadAll(r.Body)
		switch r.Method {
		case "GET":
			w.Write(c.Status.Response)
		case "DELETE":
			w.WriteHeader(204)
		case "POST":
			w.WriteHeader(202)
		case "PUT":
			w.Write([]byte(`{"received":` + strconv.Itoa(len(body)) + `,"total":` + strconv.Itoa(len(body)) + `}`))
		}
	}))
	defer srv.Close()
	client := New(srv.URL+"/", "the token")
	status, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(status)
	if got, want := fields(t, again), fields(t, c.Status.Response); !reflect.DeepEqual(got, want) {
		t.Errorf("status: read as %s", again)
	}
	var order Order
	if err := json.Unmarshal(c.Train.Request, &order); err != nil {
		t.Fatal(err)
	}
	order.Base.Licence, order.Dataset.URL = "MIT", "http://backend" // ours to know, not the agent's
	if err := client.Train(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if got, want := fields(t, body), fields(t, c.Train.Request); !reflect.DeepEqual(got, want) {
		t.Errorf("train: sent %s", body)
	}
	if err := client.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dataset")
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Upload(t.Context(), order.JobID, file, 0); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range seen {
		paths = append(paths, r.Method+" "+r.URL.String())
		if r.Header.Get("Authorization") != "Bearer the token" || r.Header.Get("User-Agent") != "understudy-trainer" {
			t.Errorf("%s has the headers %v", r.URL, r.Header)
		}
	}
	want := []string{"GET /v1/status", "POST /v1/train", c.Cancel.Method + " " + c.Cancel.Path, "PUT " + c.PutDataset.Path}
	if !reflect.DeepEqual(paths, want) {
		t.Errorf("called %q, want %q", paths, want)
	}
	if got := seen[3].Header.Get("Content-Range"); got != "bytes 0-9/10" {
		t.Errorf("Content-Range %q", got)
	}
	if c.PutDataset.PartLimitBytes != PartLimit {
		t.Errorf("parts have at most %d bytes in the contract", c.PutDataset.PartLimitBytes)
	}
	for _, s := range c.States {
		if !known(s) {
			t.Errorf("the state %s is not known", s)
		}
	}
}

// Whatever an agent answers, reading it does not panic, and an error is told in
// valid text of bounded length.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"state":"idle"}`))
	f.Add(500, []byte(`{"detail":["x"],"error":"\ud800"}`))
	f.Add(404, bytes.Repeat([]byte{0xff}, 400))
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		if code < 200 || code > 599 || code == 204 || code == 304 {
			return
		}
		client := New("http://agent", "t")
		client.http.Transport = answers(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: code, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{}}
		})
		status, err := client.Status(t.Context())
		if err == nil && !known(status.State) {
			t.Errorf("accepted the state %q", status.State)
		}
	})
}

type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }
