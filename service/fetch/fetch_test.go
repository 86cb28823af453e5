package fetch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestABrokenDownloadGoesOnWhereItWas(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 1000)
	var ranges []string
	first := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if first {
			first = false
			w.Header().Set("Content-Length", "10000")
			w.Write(data[:4000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(data))
	}))
	defer srv.Close()
	sum := sha256.Sum256(data)
	q := Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "a", "f"), SHA256: hex.EncodeToString(sum[:])}
	if err := File(t.Context(), q); err == nil {
		t.Fatal("a broken download should fail")
	}
	if err := File(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if err := File(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(q.Path)
	if !bytes.Equal(got, data) {
		t.Error("the file differs")
	}
	if len(ranges) != 2 || ranges[1] != "bytes=4000-" {
		t.Errorf("requests had the ranges %q", ranges)
	}
}

// Whoever ends a download that stands still must not take the reading of a large
// partial file for that.
func TestProgressIsToldWhileThePartialFileIsRead(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(data))
	}))
	defer srv.Close()
	sum := sha256.Sum256(data)
	q := Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "f"), SHA256: hex.EncodeToString(sum[:])}
	if err := os.WriteFile(q.Path+".part", data[:900_000], 0o600); err != nil {
		t.Fatal(err)
	}
	var told, early int
	q.Progress = func(have, total int64) {
		told++
		if total == -1 && have <= 900_000 {
			early++
		}
	}
	if err := File(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if early < 10 || told <= early {
		t.Errorf("told %d times, %d of them of the partial file", told, early)
	}
}

func TestAnErrorDoesNotShowASignedAddress(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	address := away.URL
	away.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(address, "http://", "http://someone:password@", 1)+"/file?Signature=s3cret#part", http.StatusFound)
	}))
	defer srv.Close()
	err := File(t.Context(), Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "f"), SHA256: strings.Repeat("0", 64)})
	if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "password") || !strings.Contains(err.Error(), address+"/file") {
		t.Errorf("got %v", err)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v does not say why", err)
	}
}

func TestAWrongSumLeavesNoFile(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("evil")) }))
	defer srv.Close()
	q := Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "f"), SHA256: strings.Repeat("0", 64)}
	if err := File(t.Context(), q); !errors.Is(err, ErrChecksum) {
		t.Errorf("got %v", err)
	}
	for _, p := range []string{q.Path, q.Path + ".part"} {
		if _, err := os.Stat(p); !os.IsNotExist(err) {
			t.Errorf("%s is there", p)
		}
	}
}

func TestAnErrorStatusIsTyped(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	err := File(t.Context(), Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "f"), SHA256: "x"})
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 404 {
		t.Errorf("got %v", err)
	}
}
