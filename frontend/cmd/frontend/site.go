package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// dashboard is what `make dashboard` exported; empty where that was not run.
//
//go:embed all:dashboard
var dashboard embed.FS

// page is the small status page that stands in where there is no dashboard.
//
//go:embed page
var page embed.FS

// site serves files out of memory: pages under their name without .html, each
// with the policy that its own scripts need, packed where the browser takes it.
type site map[string]*asset

type asset struct {
	body     []byte
	packed   map[string][]byte // by content encoding
	kind     string
	etag     string
	policy   string // of pages
	lasting  bool   // its name changes with its content
	notFound bool
}

// embeddedSite is the dashboard, or the status page where it was not built.
func embeddedSite() (site, error) {
	files, err := fs.Sub(dashboard, "dashboard")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		if files, err = fs.Sub(page, "page"); err != nil {
			return nil, err
		}
	}
	return newSite(files)
}

func newSite(files fs.FS) (site, error) {
	s := site{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) == ".gitignore" {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		for suffix, encoding := range map[string]string{".br": "br", ".gz": "gzip"} {
			if plain, ok := strings.CutSuffix(name, suffix); ok {
				s.at(plain).packed[encoding] = body
				return nil
			}
		}
		s.at(name).fill(name, body)
		return nil
	})
	return s, err
}

func (s site) at(name string) *asset {
	if s[name] == nil {
		s[name] = &asset{packed: map[string][]byte{}}
	}
	return s[name]
}

func (a *asset) fill(name string, body []byte) {
	sum := sha256.Sum256(body)
	a.body, a.etag = body, hex.EncodeToString(sum[:12])
	a.kind = mime.TypeByExtension(path.Ext(name))
	a.lasting = strings.HasPrefix(name, "_next/static/")
	a.notFound = name == "404.html"
	switch path.Ext(name) {
	case ".html":
		a.policy = policy(inlineHashes(body))
	case ".txt": // what the router of the pages reads
		a.kind = "text/plain; charset=utf-8"
	case ".woff2":
		a.kind = "font/woff2"
	}
}

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	a := s.find(strings.TrimPrefix(path.Clean(r.URL.Path), "/"))
	if a == nil {
		http.NotFound(w, r)
		return
	}
	a.serve(w, r)
}

// find returns the file or page of this name, else the page that says there is none, else nil.
func (s site) find(name string) *asset {
	if name == "" {
		name = "index"
	}
	for _, candidate := range []string{name, name + ".html", "404.html"} {
		if a := s[candidate]; a != nil && a.body != nil {
			return a
		}
	}
	return nil
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if a.lasting {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if a.policy != "" {
		h.Set("Content-Security-Policy", a.policy)
	}
	body, etag := a.body, a.etag
	for _, encoding := range []string{"br", "gzip"} {
		if packed := a.packed[encoding]; packed != nil && accepts(r, encoding) {
			h.Set("Content-Encoding", encoding)
			body, etag = packed, a.etag+"-"+encoding
			break
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	if a.notFound {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(body)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) == encoding {
			return strings.ReplaceAll(weight, " ", "") != "q=0"
		}
	}
	return false
}
