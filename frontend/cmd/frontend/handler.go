package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"understudy.dev/service/serve"
)

// newHandler shows everything that this process answers: the dashboard, the
// session that holds the admin key, and the backend's API behind it. Streams
// of events end with ctx, so that they do not hold up the program's end.
//
// gateway is where applications reach the OpenAI API, for the lines to paste.
func newHandler(ctx context.Context, backend, gateway string) (http.Handler, error) {
	target, err := url.Parse(backend)
	if err != nil {
		return nil, err
	}
	files, err := embeddedSite()
	if err != nil {
		return nil, err
	}
	toBackend := newProxy(ctx, target)
	mux := http.NewServeMux()
	serve.Observe(mux, func(context.Context) error { return nil })
	s := session{backend: target}
	mux.HandleFunc("POST /session", s.signIn)
	mux.HandleFunc("DELETE /session", s.signOut)
	mux.HandleFunc("GET /api/session", s.show)
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		serve.JSON(w, http.StatusOK, map[string]string{"gateway": strings.TrimRight(gateway, "/")})
	})
	mux.Handle("/api/", withKey(toBackend))
	mux.Handle("/docs/", toBackend)
	mux.Handle("/openapi.json", toBackend)
	mux.Handle("/", files)
	return protect(mux), nil
}

// protect refuses changes that another site asks for, and allows a page what it
// needs and nothing else; a page that has scripts of its own says so itself.
func protect(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy(nil))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	}))
}
