package pull

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"understudy.dev/service/fetch"
)

func sumOf(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

var (
	quiet   = slog.New(slog.NewTextHandler(io.Discard, nil))
	adapter = bytes.Repeat([]byte("adapter "), 10000)
)

// trainer serves content as the artefact and counts requests.
func trainer(t *testing.T, serve func(n int64, w http.ResponseWriter, r *http.Request)) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(requests.Add(1), w, r) }))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

func whole(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(adapter))
}

func spec(t *testing.T, url string) Spec {
	base := filepath.Join(t.TempDir(), "base.gguf")
	if err := os.WriteFile(base, []byte("base"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Spec{Dir: t.TempDir(), BaseFile: base, AdapterSHA256: sumOf(adapter), TrainerURL: url, Log: quiet,
		Token: func() (string, error) { return "pod", nil }}
}

func TestABrokenPullGoesOnWhereItWas(t *testing.T) {
	url, requests := trainer(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 1: // breaks off in the middle
			w.Header().Set("Content-Length", "80000")
			w.Write(adapter[:40000])
			panic(http.ErrAbortHandler)
		case 2:
			http.Error(w, "restarting", http.StatusServiceUnavailable)
		default:
			if got := r.Header.Get("Range"); !strings.HasPrefix(got, "bytes=") || got == "bytes=0-" {
				t.Errorf("it began anew: Range %q", got)
			}
			if got := r.Header.Get("Authorization"); got != "Bearer pod" {
				t.Errorf("Authorization %q", got)
			}
			whole(w, r)
		}
	})
	f, err := Pull(t.Context(), spec(t, url))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(f.Adapter); err != nil || !bytes.Equal(got, adapter) {
		t.Errorf("the file differs (%v)", err)
	}
	if requests.Load() != 3 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestAFileThatIsThereIsNotFetchedAgain(t *testing.T) {
	url, requests := trainer(t, func(_ int64, w http.ResponseWriter, r *http.Request) { whole(w, r) })
	s := spec(t, url)
	for range 2 {
		if _, err := Pull(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if requests.Load() != 1 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestTwoPullersOfOneFolderFetchOnce(t *testing.T) {
	url, requests := trainer(t, func(_ int64, w http.ResponseWriter, r *http.Request) { whole(w, r) })
	s := spec(t, url)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := Pull(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if requests.Load() != 1 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestWhatCannotBePulledIsGivenUp(t *testing.T) {
	cases := map[string]struct {
		serve    func(w http.ResponseWriter, r *http.Request)
		requests int64
		is       error
		says     string
	}{
		"other bytes than asked for": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "something else") }, 2, fetch.ErrChecksum, "adapter"},
		"an unknown artefact":        {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, 1, nil, "404"},
		"a refused token":            {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 403) }, 1, nil, "403"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			url, requests := trainer(t, func(_ int64, w http.ResponseWriter, r *http.Request) { c.serve(w, r) })
			s := spec(t, url)
			_, err := Pull(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), c.says) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("got %v", err)
			}
			if requests.Load() != c.requests {
				t.Errorf("%d requests", requests.Load())
			}
			if present(filepath.Join(s.Dir, s.AdapterSHA256+".gguf")) {
				t.Error("the wrong file has the right name")
			}
		})
	}
}

func TestASilentDownloadBeginsAnew(t *testing.T) {
	url, requests := trainer(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done()
			return
		}
		whole(w, r)
	})
	s := spec(t, url)
	s.Idle = 50 * time.Millisecond
	// On a busy machine the second one may be silent for so long as well.
	if _, err := Pull(t.Context(), s); err != nil || requests.Load() < 2 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

func TestAPullEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := trainer(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := Pull(ctx, spec(t, url)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheManifestGivesTheTemplate(t *testing.T) {
	template := "{% for m in messages %}{{ m.content }}{% endfor %}"
	cases := map[string]struct {
		manifest map[string]any
		file     string
		is       error
	}{
		"with its sum":      {map[string]any{"chatTemplate": template, "chatTemplateSha256": sumOf([]byte(template))}, template, nil},
		"with a wrong sum":  {map[string]any{"chatTemplate": template, "chatTemplateSha256": sumOf(nil)}, "", ErrTemplate},
		"without any":       {map[string]any{"version": 1}, "", nil},
		"with other fields": {map[string]any{"chatTemplate": template, "curves": map[string]any{}}, template, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			manifest, err := json.Marshal(c.manifest)
			if err != nil {
				t.Fatal(err)
			}
			url, _ := trainer(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { w.Write(manifest) })
			s := spec(t, url)
			s.AdapterSHA256, s.ManifestSHA256 = "", sumOf(manifest)
			f, err := Pull(t.Context(), s)
			if !errors.Is(err, c.is) {
				t.Fatalf("got %v", err)
			}
			if c.file == "" {
				if f.Template != "" {
					t.Errorf("a template came from nowhere: %s", f.Template)
				}
				return
			}
			if got, err := os.ReadFile(f.Template); err != nil || string(got) != c.file {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

func TestAMissingBaseFileIsNamed(t *testing.T) {
	s := spec(t, "")
	s.AdapterSHA256, s.BaseFile = "", "/does/not/exist.gguf"
	if _, err := Pull(t.Context(), s); err == nil || !strings.Contains(err.Error(), s.BaseFile) {
		t.Errorf("got %v", err)
	}
}

func TestTheBaseIsPulledWithoutOurToken(t *testing.T) {
	url, _ := trainer(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("the pod's token was sent to strangers: %q", got)
		}
		whole(w, r)
	})
	s := spec(t, "")
	s.AdapterSHA256, s.BaseFile, s.BaseURL, s.BaseSHA256 = "", "", url+"/base.gguf", sumOf(adapter)
	if f, err := Pull(t.Context(), s); err != nil || !present(f.Base) {
		t.Errorf("%+v %v", f, err)
	}
}
