package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"understudy.dev/service/fetch"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
	"understudy.dev/trainer/internal/store"
)

// attempt takes a job from wherever it is to verified artefacts.
func (r *run) attempt(ctx context.Context) error {
	rec := r.record()
	if r.complete(rec) {
		return nil // pulled before a restart: no agent is needed
	}
	if err := r.within(ctx, r.toAgent); err != nil {
		return err
	}
	return r.within(ctx, r.fromAgent)
}

// within gives a step until the deadline, and the grace too once training was
// ordered: the agent stops at the deadline by itself and hands over what it has.
func (r *run) within(ctx context.Context, step func(context.Context) error) error {
	rec := r.record()
	limit := rec.Deadline()
	if rec.TrainSeconds > 0 {
		limit = limit.Add(r.Grace)
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	err := step(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return r.late()
	}
	return err
}

func (r *run) late() error {
	rec := r.record()
	why := ""
	if trouble := r.trouble; trouble != nil {
		why = fmt.Sprintf(" Last trouble: %v.", trouble)
	}
	if rec.TrainSeconds == 0 {
		return trainer.Errorf(trainer.Broken, "The deadline of %d s passed before training began.%s", rec.Spec.DeadlineSeconds, why)
	}
	return trainer.Errorf(trainer.Broken, "The deadline of %d s passed and the agent did not hand over a result within %s.%s", rec.Spec.DeadlineSeconds, r.Grace, why)
}

// toAgent brings the job to an agent: data set, agent, upload, order. It
// returns when the agent has the job, in whatever state.
func (r *run) toAgent(ctx context.Context) error {
	rec := r.record()
	if rec.TrainSeconds == 0 { // a data set that cannot be had should not cost a machine
		if err := r.dataset(ctx); err != nil {
			return err
		}
	}
	status, err := r.reach(ctx)
	if err != nil {
		return err
	}
	switch mine := status.JobID == r.id; {
	case mine && status.State != agent.Idle && rec.TrainSeconds > 0:
		return nil
	case !mine && status.State.Busy():
		return fmt.Errorf("the agent at %s works on another job (%s)", r.record().Agent.URL, status.JobID)
	case rec.TrainSeconds > 0: // it may know the job from before it was started anew
		if err := r.order(ctx); agent.CodeOf(err) != http.StatusPreconditionFailed {
			return err
		}
	}
	if err := r.upload(ctx, status); err != nil {
		return err
	}
	return r.order(ctx)
}

func (r *run) datasetPath() string { return filepath.Join(r.Store.WorkDir(r.id), "dataset.jsonl") }

// datasets ends a pull that hangs; the next attempt goes on where it was.
var datasets = &http.Client{Timeout: 5 * time.Minute}

// dataset pulls the data set here, unless it is here.
func (r *run) dataset(ctx context.Context) error {
	spec := r.record().Spec.Dataset
	header := http.Header{}
	if r.DatasetToken != "" {
		header.Set("Authorization", "Bearer "+r.DatasetToken.Reveal())
	}
	err := fetch.File(ctx, fetch.Request{URL: spec.URL, Header: header, Path: r.datasetPath(), SHA256: spec.SHA256, Client: datasets})
	var status *fetch.StatusError
	switch {
	case err == nil:
		return r.notEmpty()
	case errors.Is(err, fetch.ErrChecksum):
		return trainer.Errorf(trainer.Broken, "The data set at %s is not the one that the job names: its sha256 differs from %s. Freeze the data set again and start a new job.", spec.URL, spec.SHA256)
	case errors.As(err, &status) && permanent(status.Code):
		return trainer.Errorf(trainer.Broken, "The data set at %s cannot be read: it answered %d. %s", spec.URL, status.Code, advice(status.Code))
	}
	return trainer.Explain(fmt.Errorf("the data set cannot be read: %w", err), r.Store.WorkDir(r.id))
}

func (r *run) notEmpty() error {
	info, err := os.Stat(r.datasetPath())
	if err == nil && info.Size() == 0 {
		return trainer.Errorf(trainer.Broken, "The data set is empty: there is nothing to learn from.")
	}
	return err
}

// permanent reports whether an HTTP status will be the same next time.
func permanent(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return code/100 == 4
}

func advice(code int) string {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "Give trainer and backend the same UNDERSTUDY_SERVICE_TOKEN."
	case http.StatusNotFound, http.StatusGone:
		return "Its model may have been removed."
	}
	return ""
}

// reach makes sure that there is an agent and asks where it stands.
func (r *run) reach(ctx context.Context) (agent.Status, error) {
	a, err := r.provider.Ensure(ctx, order(r.Store, r.record()))
	if err != nil {
		if errors.Is(err, trainer.ErrStart) {
			r.strikes++
		}
		return agent.Status{}, trainer.Explain(err, r.Store.WorkDir(r.id))
	}
	if r.agentID != "" && r.agentID != a.ID {
		r.strikes++ // the one before it died
	}
	if r.agentID != a.ID {
		r.agentID, r.unheard = a.ID, time.Time{}
	}
	err = r.update(func(rec *trainer.Record) {
		rec.Agent = a
		rec.Job.Provider = trainer.Machine{Name: rec.Spec.Provider, ID: a.ID, GPU: a.GPU, CostUSD: a.CostUSD(time.Now())}
	})
	if err != nil {
		return agent.Status{}, err
	}
	r.client = agent.New(a.URL, a.Token)
	r.client.Limit = r.Downloads
	status, err := r.client.Status(ctx)
	return status, r.heard(ctx, err)
}

// heard judges a call to the agent: a refused token is final; an agent of ours
// that has not answered for long is ended, so that the next attempt starts
// another.
func (r *run) heard(ctx context.Context, err error) error {
	code := agent.CodeOf(err)
	switch {
	case err == nil:
		r.unheard = time.Time{}
	case (code == http.StatusUnauthorized || code == http.StatusForbidden) && !r.record().Agent.Owned:
		return trainer.Errorf(trainer.Broken, "The agent at %s refuses the token. Set AGENT_TOKEN here to the one that the agent was started with.", r.record().Agent.URL)
	case r.unheard.IsZero():
		r.unheard = time.Now()
	case time.Since(r.unheard) > r.Silence:
		return errors.Join(fmt.Errorf("nothing was heard from the agent for %s: %w", r.Silence, err), r.replace(ctx))
	}
	return err
}

// replace ends an agent that is ours and does not work any more.
func (r *run) replace(ctx context.Context) error {
	rec := r.record()
	r.unheard = time.Time{}
	if !rec.Agent.Owned {
		return nil
	}
	return r.provider.End(ctx, order(r.Store, rec))
}

func (r *run) upload(ctx context.Context, status agent.Status) error {
	if err := r.dataset(ctx); err != nil {
		return err
	}
	info, err := os.Stat(r.datasetPath())
	if err != nil {
		return err
	}
	var from int64
	if status.JobID == r.id && status.Dataset.Total == info.Size() {
		from = min(max(status.Dataset.Received, 0), info.Size())
	}
	if from == info.Size() && status.Dataset.SHA256 != r.record().Spec.Dataset.SHA256 {
		from = 0
	}
	_, err = r.client.Upload(ctx, r.id, r.datasetPath(), from)
	return err
}

// order tells the agent to train. The deadline it is given was fixed with the
// first order, so that repeating it is the same order.
func (r *run) order(ctx context.Context) error {
	if rec := r.record(); rec.TrainSeconds == 0 {
		left := time.Until(rec.Deadline())
		if budget := rec.Spec.MaxCostUSD; budget > 0 && rec.Agent.HourlyUSD > 0 {
			affordable := (budget - rec.Agent.CostUSD(time.Now())) / rec.Agent.HourlyUSD
			left = min(left, time.Duration(affordable*float64(time.Hour)))
		}
		if err := r.update(func(rec *trainer.Record) { rec.TrainSeconds = max(int64(left/time.Second), 1) }); err != nil {
			return err
		}
	}
	rec := r.record()
	err := r.client.Train(ctx, agent.Order{
		JobID: r.id, Base: rec.Spec.Base, Dataset: rec.Spec.Dataset,
		Hyperparameters: rec.Spec.Hyperparameters, DeadlineSeconds: rec.TrainSeconds,
	})
	var refused *agent.StatusError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return trainer.Errorf(trainer.Invalid, "The agent refuses the job: %s", refused.Text)
	case http.StatusUnauthorized, http.StatusForbidden:
		return r.heard(ctx, err)
	}
	return fmt.Errorf("order the training: %w", err)
}

// order is what a provider is told about a job.
func order(s *store.Store, rec trainer.Record) trainer.Order {
	return trainer.Order{
		JobID: rec.Job.ID, Spec: rec.Spec, Token: rec.Token,
		Dir: filepath.Join(s.WorkDir(rec.Job.ID), "agent"), Log: s.Log(rec.Job.ID), Previous: rec.Agent,
	}
}
