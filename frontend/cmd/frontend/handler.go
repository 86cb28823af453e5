package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"understudy.dev/service/serve"
)

//go:embed page
var page embed.FS

// cookie holds the admin key in the browser, out of every script's reach, until it is closed.
const cookie = "understudy_session"

// newHandler serves the page, keeps the admin key in a session cookie and passes
// GET /api/* on to the backend with it.
func newHandler(backend string) (http.Handler, error) {
	target, err := url.Parse(backend)
	if err != nil {
		return nil, fmt.Errorf("BACKEND_URL: %w", err)
	}
	files, err := fs.Sub(page, "page")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	serve.Observe(mux, func(context.Context) error { return nil })
	mux.HandleFunc("POST /session", signIn)
	mux.HandleFunc("DELETE /session", signOut)
	mux.Handle("GET /api/", withKey(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			key, _ := r.In.Cookie(cookie)
			r.SetURL(target)
			r.Out.Header.Del("Cookie")
			r.Out.Header.Set("Authorization", "Bearer "+key.Value)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			serve.Problem(w, http.StatusBadGateway, "The backend does not answer: "+err.Error())
		},
	}))
	mux.Handle("GET /", http.FileServerFS(files))
	return protect(mux), nil
}

func signIn(w http.ResponseWriter, r *http.Request) {
	var in struct{ Key string }
	if !serve.Decode(w, r, 4096, &in) {
		return
	}
	in.Key = strings.TrimSpace(in.Key)
	if in.Key == "" || strings.ContainsFunc(in.Key, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`",;\`, c) }) {
		serve.Problem(w, http.StatusUnprocessableEntity, "That is no admin key; it stands in the file admin-key of the data directory.")
		return
	}
	setCookie(w, r, in.Key, 0)
}

func signOut(w http.ResponseWriter, r *http.Request) { setCookie(w, r, "", -1) }

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: value, MaxAge: maxAge, Path: "/api/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	w.WriteHeader(http.StatusNoContent)
}

// withKey lets through only who has signed in.
func withKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie(cookie); err != nil {
			serve.Problem(w, http.StatusUnauthorized, "Sign in with the admin key first.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// protect allows the page what it needs and nothing else, and refuses changes that another site asks for.
func protect(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	}))
}
