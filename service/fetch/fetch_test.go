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
