package fakerunpod

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// proxy carries a request to a pod's program, as RunPod's proxy does: nothing
// takes longer than its limit, and nobody but the program asks for a key.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.byID(r.PathValue("pod"))
	target := ""
	if p != nil && p.status == running && !p.muted && slices.Contains(p.ports, r.PathValue("port")+"/http") {
		target = p.url
	}
	s.mu.Unlock()
	if target == "" {
		bad(w, 502)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.ProxyLimit)
	defer cancel()
	u, err := url.Parse(target + "/" + r.PathValue("rest"))
	if err != nil {
		bad(w, 502)
		return
	}
	u.RawQuery = r.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, r.Method, u.String(), r.Body)
	if err != nil {
		bad(w, 502)
		return
	}
	out.Header, out.ContentLength = r.Header.Clone(), r.ContentLength
	res, err := forward.RoundTrip(out)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			bad(w, 524)
			return
		}
		bad(w, 502)
		return
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	if res.StatusCode == http.StatusPartialContent {
		s.mu.Lock()
		s.resumed++
		s.mu.Unlock()
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // the limit, or the program's end, in the middle of an answer
	}
}

var forward = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}

// bad answers as what stands before the pod does: no JSON.
func bad(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><body>"+map[int]string{502: "Bad gateway", 524: "A timeout occurred"}[status]+"</body></html>")
}
