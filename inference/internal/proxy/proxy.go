// Package proxy is the OpenAI-compatible door to the model server: it bounds
// how many requests run and wait, and passes bytes both ways untouched.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// Options bound what the proxy lets through.
type Options struct {
	Slots       int           // requests answered at the same time
	Queue       int           // requests that may wait beyond them
	QueueWait   time.Duration // for at most so long
	RequestTime time.Duration // from a slot to the answer's last byte
	MaxBody     int64         // bytes
	// Address returns the model server's base URL, or why it is not ready.
	Address func() (string, error)
	Log     *slog.Logger
}

// Proxy is an http.Handler for /v1/.
type Proxy struct {
	Options
	gate    *gate
	reverse *httputil.ReverseProxy
	mux     *http.ServeMux
}

type call struct {
	target *url.URL
	began  time.Time
}

type callKey struct{}

// New returns the handler.
func New(o Options) *Proxy {
	p := &Proxy{Options: o, gate: newGate(o.Slots, o.Queue, o.QueueWait), mux: http.NewServeMux()}
	p.reverse = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		ModifyResponse: modify,
		ErrorHandler:   p.broken,
		FlushInterval:  -1, // each event of a stream at once
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		// A connection for each request: llama.cpp closes kept ones without a
		// word, sometimes right after a stream, and an idle one holds one of its
		// threads. On loopback a new one costs microseconds.
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}
	p.mux.HandleFunc("POST /v1/chat/completions", p.complete)
	p.mux.HandleFunc("GET /v1/models", p.models)
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "unknown_url", fmt.Sprintf("There is no %s %s here; this model answers POST /v1/chat/completions and GET /v1/models.", r.Method, r.URL.Path))
	})
	return p
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Proxy) models(w http.ResponseWriter, r *http.Request) { p.forward(w, r, time.Now()) }

func (p *Proxy) complete(writer http.ResponseWriter, r *http.Request) {
	began := time.Now()
	w := &recorder{ResponseWriter: writer}
	defer func() {
		if r.Context().Err() != nil {
			w.status = 499
		}
		requests.WithLabelValues(strconv.Itoa(w.status)).Inc()
	}()
	if _, err := p.Address(); err != nil {
		notReady(w, err)
		return
	}
	// The whole body first: only then does net/http notice a client that goes
	// while its request waits.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, p.MaxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			fail(w, http.StatusRequestEntityTooLarge, "request_too_large", fmt.Sprintf("The request is larger than %d bytes.", p.MaxBody))
			return
		}
		fail(w, http.StatusBadRequest, "unreadable_body", "The request's body broke off.")
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))

	waiting.Inc()
	err = p.gate.enter(r.Context())
	waiting.Dec()
	switch {
	case errors.Is(err, ErrFull), errors.Is(err, ErrLate):
		fail(w, http.StatusTooManyRequests, "rate_limit_exceeded", fmt.Sprintf("The model is busy: %v. Send the request again later.", err))
		return
	case err != nil:
		return // the client is gone
	}
	defer p.gate.leave()
	waitSeconds.Observe(time.Since(began).Seconds())
	inFlight.Inc()
	defer inFlight.Dec()
	ctx, cancel := context.WithTimeout(r.Context(), p.RequestTime)
	defer cancel()
	defer func() { totalSeconds.Observe(time.Since(began).Seconds()) }()
	p.forward(w, r.WithContext(ctx), began)
}

// forward panics with http.ErrAbortHandler when the answer breaks after its
// beginning, so that the client sees a broken connection and no proper end.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, began time.Time) {
	base, err := p.Address()
	if err != nil {
		notReady(w, err)
		return
	}
	target, err := url.Parse(base)
	if err != nil {
		notReady(w, err)
		return
	}
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, call{target, began})))
}

func rewrite(r *httputil.ProxyRequest) {
	r.SetURL(r.In.Context().Value(callKey{}).(call).target)
	r.Out.Header.Del("Authorization")
	r.Out.Header.Del("Accept-Encoding")
}

func modify(res *http.Response) error {
	for _, own := range []string{"Server", "Access-Control-Allow-Origin"} {
		res.Header.Del(own)
	}
	if res.StatusCode >= 400 {
		return translate(res)
	}
	c := res.Request.Context().Value(callKey{}).(call)
	if res.Header.Get("Content-Type") == "text/event-stream" {
		res.Body = &firstByte{ReadCloser: res.Body, began: c.began}
	}
	return nil
}

// broken answers where the model server gave no answer at all.
func (p *Proxy) broken(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(r.Context().Err(), context.DeadlineExceeded):
		p.Log.Warn("request timed out", "limit", p.RequestTime)
		fail(w, http.StatusGatewayTimeout, "timeout", fmt.Sprintf("The model did not finish within %s.", p.RequestTime))
	case r.Context().Err() != nil: // the client is gone
	default:
		p.Log.Warn("model server broke off", "error", err)
		fail(w, http.StatusBadGateway, "model_server_failed", "The model server broke off before it answered.")
	}
}

func notReady(w http.ResponseWriter, why error) {
	fail(w, http.StatusServiceUnavailable, "model_not_ready", fmt.Sprintf("The model is not ready: %v.", why))
}
