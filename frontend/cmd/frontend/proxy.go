package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"understudy.dev/service/serve"
)

// newProxy passes requests on to the backend, with the session's key where
// there is one. Answers are flushed as they come.
func newProxy(ctx context.Context, target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Cookie")
			r.Out.Header.Del("Authorization")
			if key, err := r.In.Cookie(cookie); err == nil {
				r.Out.Header.Set("Authorization", "Bearer "+key.Value)
			}
			if isDocs(r.In) {
				r.Out.Header.Del("Accept-Encoding") // its scripts are looked at
			}
		},
		ModifyResponse: func(res *http.Response) error {
			res.Header.Del("Cache-Control") // ours stands: nothing of it is kept
			if isDocs(res.Request) && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				return allowItsScripts(res)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				serve.Problem(w, http.StatusBadGateway, backendSilent(err))
			}
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			stream, end := context.WithCancel(r.Context())
			defer end()
			defer context.AfterFunc(ctx, end)()
			r = r.WithContext(stream)
		}
		if isDocs(r) {
			w.Header().Del("Content-Security-Policy") // its page has its own; two would both apply
		}
		proxy.ServeHTTP(w, r)
	})
}

func backendSilent(err error) string {
	return "The backend does not answer. It may be starting; this page goes on by itself when it is back. (" + cause(err).Error() + ")"
}

// cause is what went wrong, without the request that it went wrong for.
func cause(err error) error {
	if of := (*url.Error)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

func isDocs(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/docs/") }

const maxDocsPage = 1 << 20

// allowItsScripts gives the documentation's page the policy under which its own scripts run.
func allowItsScripts(res *http.Response) error {
	html, err := io.ReadAll(io.LimitReader(res.Body, maxDocsPage+1))
	if err != nil {
		return err
	}
	if len(html) > maxDocsPage {
		return fmt.Errorf("the page %s is larger than %d bytes", res.Request.URL.Path, maxDocsPage)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(html))
	res.Header.Set("Content-Security-Policy", docsPolicy(inlineHashes(html)))
	return nil
}
