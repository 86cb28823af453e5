// Package api is the evaluator's HTTP interface; its shapes stand in
// ci/contract/evaluator.json.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"understudy.dev/evaluator"
	"understudy.dev/service/serve"
)

const (
	// MaxItems is how many pairs or texts one request may hold.
	MaxItems = 100
	// maxBody is the largest request, in bytes.
	maxBody = 32 << 20
)

var requests = promauto.NewHistogramVec(prometheus.HistogramOpts{
	Name:    "understudy_evaluator_request_seconds",
	Help:    "Time to answer a request, by route and outcome.",
	Buckets: prometheus.ExponentialBuckets(0.001, 3, 10),
}, []string{"route", "outcome"})

// API answers requests. Until SetModel is called it is not ready and answers 503.
type API struct {
	model   atomic.Pointer[model]
	handler http.Handler
}

type model struct {
	name     string
	embedder evaluator.Embedder
}

// New returns an API whose clients hold the service token.
func New(token string) *API {
	a := &API{}
	work := http.NewServeMux()
	work.HandleFunc("POST /v1/score", answer("score", a.score))
	work.HandleFunc("POST /v1/embed", answer("embed", a.embed))
	mux := http.NewServeMux()
	serve.Observe(mux, a.Ready)
	mux.Handle("/v1/", serve.Bearer(token, work))
	a.handler = mux
	return a
}

// SetModel makes the API ready: from now on e answers, under this name.
func (a *API) SetModel(name string, e evaluator.Embedder) { a.model.Store(&model{name, e}) }

// Ready returns why the API cannot answer yet, or nil.
func (a *API) Ready(context.Context) error {
	if a.model.Load() == nil {
		return errLoading
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

var errLoading = errors.New("the sentence model is still being loaded; try again in a few seconds")

// refusal is a mistake of the client's, in words for the client.
type refusal struct{ detail string }

func (r refusal) Error() string { return r.detail }

func refuse(format string, args ...any) error { return refusal{fmt.Sprintf(format, args...)} }

// answer decodes a request, has f answer it and maps errors to HTTP.
func answer[Q, A any](route string, f func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		outcome := "refused"
		timer := prometheus.NewTimer(prometheus.ObserverFunc(func(s float64) { requests.WithLabelValues(route, outcome).Observe(s) }))
		defer timer.ObserveDuration()
		var q Q
		if !serve.Decode(w, r, maxBody, &q) {
			return
		}
		got, err := f(r.Context(), q)
		var no refusal
		switch {
		case err == nil:
			outcome = "ok"
			serve.JSON(w, http.StatusOK, got)
		case errors.As(err, &no):
			serve.Problem(w, http.StatusUnprocessableEntity, no.detail)
		case errors.Is(err, errLoading):
			w.Header().Set("Retry-After", "2")
			serve.Problem(w, http.StatusServiceUnavailable, err.Error())
		case r.Context().Err() != nil:
			outcome = "left" // the client is gone
		default:
			outcome = "failed"
			slog.ErrorContext(r.Context(), "request failed", "route", route, "error", err)
			serve.Problem(w, http.StatusInternalServerError, "The sentence model failed: "+err.Error())
		}
	}
}

// limit checks how many items a request has; nil means that the member is missing.
func limit[T any](name string, items []T) error {
	switch {
	case items == nil:
		return refuse("The request has no %q; send {%q: [...]} with at most %d of them.", name, name, MaxItems)
	case len(items) > MaxItems:
		return refuse("The request has %d %s, at most %d are allowed; send them in several requests.", len(items), name, MaxItems)
	}
	return nil
}
