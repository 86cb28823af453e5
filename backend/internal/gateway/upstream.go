package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	understudy "understudy.dev/backend"
)

// upstream is an LLM provider with its connections.
type upstream struct {
	understudy.Upstream
	url       *url.URL
	transport *http.Transport
	proxy     *httputil.ReverseProxy // for paths that are not understood
}

func newUpstream(u understudy.Upstream, headers time.Duration) (*upstream, error) {
	switch u.Kind {
	case understudy.UpstreamOpenAI, "":
	case understudy.UpstreamAnthropic:
		return nil, errors.New("kind anthropic is not supported yet; use kind openai")
	default:
		return nil, fmt.Errorf("kind %q is not known; use openai", u.Kind)
	}
	base, err := url.Parse(strings.TrimRight(u.BaseURL, "/"))
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("baseURL %q is not an absolute http or https URL, e.g. https://api.openai.com/v1", u.BaseURL)
	}
	up := &upstream{Upstream: u, url: base, transport: newTransport(http.ProxyFromEnvironment)}
	up.transport.ResponseHeaderTimeout = headers
	return up, nil
}

// newTransport keeps many connections open and changes no byte of a body.
func newTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:             proxy,
		DialContext:       (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// All requests share a connection: one that died without a word is noticed.
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		MaxIdleConns:          0,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

// target returns the upstream's URL for a path of ours, which begins with /v1.
func (u *upstream) target(r *http.Request) *url.URL {
	out := *u.url
	out.Path = u.url.Path + strings.TrimPrefix(r.URL.Path, "/v1")
	if r.URL.RawPath != "" {
		out.RawPath = u.url.EscapedPath() + strings.TrimPrefix(r.URL.RawPath, "/v1")
	}
	out.RawQuery = r.URL.RawQuery
	return &out
}

// notForwarded are request headers that end here: those of one hop, ours, and
// the client's credentials, which are keys of this gateway.
var notForwarded = map[string]bool{
	"Authorization": true, "Cookie": true, "Accept-Encoding": true, "Content-Length": true, "Host": true, "Expect": true,
	"X-Understudy-Route": true, "X-Understudy-Capture": true, "X-Understudy-Task": true,
}

var hopByHop = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// copyHeaders adds src's headers to dst, without those of one hop and those
// that drop names.
func copyHeaders(dst, src http.Header, drop map[string]bool) {
	var named map[string]bool
	for _, line := range src["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				if named == nil {
					named = map[string]bool{}
				}
				named[http.CanonicalHeaderKey(name)] = true
			}
		}
	}
	for name, values := range src {
		if !hopByHop[name] && !drop[name] && !named[name] {
			dst[name] = values
		}
	}
}
