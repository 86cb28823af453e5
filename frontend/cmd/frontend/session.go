package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"understudy.dev/service/serve"
)

// cookie holds the admin key in the browser, out of every script's reach, until it is closed.
const cookie = "understudy_session"

const whereTheKeyIs = "It stands in the file admin-key of the data directory; on Kubernetes, in the Secret understudy-keys."

// session signs people in: who has the admin key gets a cookie that holds it.
type session struct{ backend *url.URL }

var asking = &http.Client{Timeout: 10 * time.Second}

func (s session) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct{ Key string }
	if !serve.Decode(w, r, 4096, &in) {
		return
	}
	in.Key = strings.TrimSpace(in.Key)
	if in.Key == "" || strings.ContainsFunc(in.Key, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`",;\`, c) }) {
		serve.Problem(w, http.StatusUnprocessableEntity, "That is no admin key. "+whereTheKeyIs)
		return
	}
	if status, detail := s.known(r, in.Key); status != http.StatusOK {
		serve.Problem(w, status, detail)
		return
	}
	setCookie(w, r, in.Key, 0)
}

// known asks the backend whether it takes the key: 200, or a status and a sentence for the person.
func (s session) known(r *http.Request, key string) (int, string) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.backend.JoinPath("/api/v1/bypass").String(), nil)
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := asking.Do(req)
	if err != nil {
		return http.StatusBadGateway, backendSilent(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return http.StatusUnauthorized, "The backend does not know this key. " + whereTheKeyIs
	case res.StatusCode != http.StatusOK:
		return http.StatusBadGateway, "The backend could not check the key: it answered " + res.Status + "."
	}
	return http.StatusOK, ""
}

// show says whether there is a session: under the path to which the cookie is
// sent, and never as an error, which a browser would report.
func (s session) show(w http.ResponseWriter, r *http.Request) {
	_, err := r.Cookie(cookie)
	serve.JSON(w, http.StatusOK, map[string]bool{"signedIn": err == nil})
}

func (s session) signOut(w http.ResponseWriter, r *http.Request) { setCookie(w, r, "", -1) }

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
