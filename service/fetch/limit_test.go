package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestDownloadsShareTheirLimit(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 100_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(data) }))
	defer srv.Close()
	sum := sha256.Sum256(data)
	limit := NewLimit(400_000)
	began := time.Now()
	var both sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		both.Go(func() {
			q := Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), name), SHA256: hex.EncodeToString(sum[:]), Limit: limit}
			if err := File(t.Context(), q); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	// 200 kB at 400 kB/s, the first 40 kB of them at once.
	if took := time.Since(began); took < 390*time.Millisecond {
		t.Errorf("200 kB came in %s", took)
	}
}

func TestALimitedDownloadEndsWithItsContext(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1000)) }))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := File(ctx, Request{URL: srv.URL, Path: filepath.Join(t.TempDir(), "f"), SHA256: "", Limit: NewLimit(1)})
	if err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}
