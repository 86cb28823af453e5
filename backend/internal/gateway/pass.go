package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"

	understudy "understudy.dev/backend"
)

// passThrough sends a request that is not understood to an upstream as it is.
func (g *Gateway) passThrough(w http.ResponseWriter, r *http.Request, st *state, key understudy.KeyRoute) {
	up := g.fallback
	if name := key.DefaultEndpoint; name != "" {
		route, known := st.Endpoints[name]
		if !known {
			g.fail(w, ofDeletedEndpoint(name))
			return
		}
		if up = g.upstreams[route.Endpoint.Upstream]; up == nil {
			g.fail(w, notConfigured(route.Endpoint))
			return
		}
	}
	if up == nil {
		g.fail(w, problem{404, "no_default_upstream", fmt.Sprintf("Understudy answers /v1/chat/completions and /v1/models itself; no default upstream is configured that would take %s %s.", r.Method, r.URL.Path), ""})
		return
	}
	up.proxy.ServeHTTP(w, r)
}

// forwardUntouched sends a request whose body was read already.
func (g *Gateway) forwardUntouched(w http.ResponseWriter, r *http.Request, up *upstream, raw []byte) {
	again := r.Clone(r.Context())
	again.TransferEncoding = nil
	repeatable(again, raw)
	up.proxy.ServeHTTP(w, again)
}

// newProxy makes what passes requests on to an upstream untouched.
func (g *Gateway) newProxy(up *upstream) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: up.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL, r.Out.Host = up.target(r.In), ""
			for name := range notForwarded {
				r.Out.Header.Del(name)
			}
			up.authorize(r.Out.Header)
		},
		ModifyResponse: func(res *http.Response) error {
			res.Header.Set("X-Understudy-Source", string(understudy.SourceLLM))
			g.meter.requests.WithLabelValues("", string(understudy.SourceLLM), "passed", code(res.StatusCode)).Inc()
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return
			}
			p := problem{502, "upstream_unreachable", fmt.Sprintf("The upstream %q cannot be reached: %s.", up.Name, brief(err)), ""}
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				p = problem{504, "upstream_timeout", fmt.Sprintf("The upstream %q has not answered in time.", up.Name), ""}
			}
			g.log.Warn("gateway: the upstream does not answer", "upstream", up.Name, "error", err)
			g.fail(w, p)
		},
	}
}
