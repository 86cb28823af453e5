package fakerunpod

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// caller is who asks: the account, or one pod with the key it was given.
type caller struct{ pod *pod }

// guard checks the key and the quota.
func (s *Server) guard(h func(http.ResponseWriter, *http.Request, caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "Python-urllib") || r.UserAgent() == "" {
			w.WriteHeader(http.StatusForbidden) // as RunPod's front does
			fmt.Fprint(w, "error code: 1010")
			return
		}
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			fail(w, 401, "missing bearer token")
			return
		}
		c := caller{s.podOfKey(key)}
		if subtle.ConstantTimeCompare([]byte(key), []byte(s.Key)) != 1 && c.pod == nil {
			fail(w, 401, "invalid bearer token")
			return
		}
		if !s.quota(w) {
			return
		}
		if c.pod != nil && (s.PodKeyRefused || r.PathValue("id") != c.pod.id) {
			fail(w, 403, "access denied")
			return
		}
		h(w, r, c)
	}
}

func (s *Server) podOfKey(key string) *pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pods {
		if p.key == key && !p.over() {
			return p
		}
	}
	return nil
}

// quota counts the request; where none is left it answers 429.
func (s *Server) quota(w http.ResponseWriter) bool {
	if s.Quota == 0 {
		return true
	}
	s.mu.Lock()
	now := time.Now()
	for len(s.requests) > 0 && now.Sub(s.requests[0]) > time.Minute {
		s.requests = s.requests[1:]
	}
	left := s.Quota - len(s.requests)
	if left > 0 {
		s.requests = append(s.requests, now)
		left--
	} else {
		left = -1
	}
	resets := int(time.Minute.Seconds()-now.Sub(s.requests[0]).Seconds()) + 1
	s.mu.Unlock()
	w.Header().Set("RateLimit", fmt.Sprintf(`"minute";r=%d;t=%d`, max(left, 0), resets))
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"minute";q=%d;w=60`, s.Quota))
	if left < 0 {
		w.Header().Set("Retry-After", fmt.Sprint(resets))
		fail(w, 429, "rate limit exceeded for the minute window")
		return false
	}
	return true
}

// fail answers with a problem document.
func fail(w http.ResponseWriter, status int, detail string, violations ...string) {
	title := http.StatusText(status)
	if title == "" {
		title = "Error"
	}
	body := map[string]any{"title": title, "status": status, "detail": detail}
	if len(violations) > 0 {
		body["errors"] = violations
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// body reads a request that has to keep to a schema; where it does not, 422 is
// answered.
func body(w http.ResponseWriter, r *http.Request, name string, into any) bool {
	var raw json.RawMessage
	var value any
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&raw)
	if err == nil {
		err = json.Unmarshal(raw, &value)
	}
	if err != nil {
		fail(w, 400, "the body is not JSON: "+err.Error())
		return false
	}
	if bad := Violations(name, value); len(bad) > 0 {
		fail(w, 422, "Request validation failed.", bad...)
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		fail(w, 422, "Request validation failed.", err.Error())
		return false
	}
	return true
}
