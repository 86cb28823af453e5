// Package api is the trainer's HTTP side.
package api

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"understudy.dev/service/env"
	"understudy.dev/service/serve"
	"understudy.dev/service/token"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/drive"
)

const maxBody = 1 << 20

// API answers for a driver.
type API struct {
	Driver  *drive.Driver
	Token   env.Secret // the service token: opens everything
	Default string     // the provider of a job that names none
}

// Routes adds the API to mux.
func (a *API) Routes(mux *http.ServeMux) {
	service := func(h http.HandlerFunc) http.Handler { return serve.Bearer(a.Token.Reveal(), h) }
	mux.Handle("PUT /v1/jobs/{id}", service(a.put))
	mux.Handle("GET /v1/jobs/{id}", service(a.get))
	mux.Handle("DELETE /v1/jobs/{id}", service(a.delete))
	mux.Handle("GET /v1/jobs", service(a.list))
	mux.HandleFunc("GET /v1/artifacts/{sha256}", a.artifact) // checks tokens itself
}

func (a *API) put(w http.ResponseWriter, r *http.Request) {
	var spec trainer.Spec
	if !serve.Decode(w, r, maxBody, &spec) {
		return
	}
	if spec.Provider == "" {
		spec.Provider = a.Default
	}
	job, created, err := a.Driver.Put(r.PathValue("id"), spec)
	switch {
	case err != nil:
		fail(w, err)
	case created:
		serve.JSON(w, http.StatusCreated, job)
	default:
		serve.JSON(w, http.StatusOK, job)
	}
}

func (a *API) get(w http.ResponseWriter, r *http.Request) {
	job, err := a.Driver.Get(r.PathValue("id"))
	if err != nil {
		fail(w, err)
		return
	}
	serve.JSON(w, http.StatusOK, job)
}

func (a *API) list(w http.ResponseWriter, _ *http.Request) {
	serve.JSON(w, http.StatusOK, map[string]any{"jobs": a.Driver.List()})
}

// delete answers 202 with the job where it was cancelled, 204 where a finished
// one was removed with its files.
func (a *API) delete(w http.ResponseWriter, r *http.Request) {
	job, gone, err := a.Driver.Delete(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		fail(w, err)
	case gone:
		w.WriteHeader(http.StatusNoContent)
	default:
		serve.JSON(w, http.StatusAccepted, job)
	}
}

// artifact serves a file by its content's name. Besides the service token it
// takes the token of an SLM pod, for artefacts of that pod's model.
func (a *API) artifact(w http.ResponseWriter, r *http.Request) {
	model, given := "", serve.BearerToken(r)
	if !serve.SameToken(given, a.Token.Reveal()) {
		claims, err := token.Verify(a.Token.Reveal(), given)
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			serve.Problem(w, http.StatusUnauthorized, "The token is missing or wrong.")
			return
		}
		model = claims.Model
	}
	sum := r.PathValue("sha256")
	if !trainer.IsSHA256(sum) {
		fail(w, trainer.Errorf(trainer.Invalid, "%q is not a sha256 in lower-case hex.", sum))
		return
	}
	path, err := a.Driver.Artifact(sum, model)
	if err != nil {
		fail(w, err)
		return
	}
	f, err := os.Open(path)
	if err != nil {
		fail(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+sum+`"`)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, f)
}

var statuses = map[trainer.Code]int{
	trainer.Invalid:  http.StatusBadRequest,
	trainer.Conflict: http.StatusConflict,
	trainer.NotFound: http.StatusNotFound,
	trainer.NoSpace:  http.StatusInsufficientStorage,
	trainer.Busy:     http.StatusServiceUnavailable,
}

// fail is the one place that maps errors to HTTP.
func fail(w http.ResponseWriter, err error) {
	var e *trainer.Error
	if status, ok := statuses[trainer.CodeOf(err)]; ok && errors.As(err, &e) {
		serve.Problem(w, status, e.Message)
		return
	}
	slog.Error("request failed", "error", err)
	serve.Problem(w, http.StatusInternalServerError, "The trainer could not do this; its log says why.")
}
