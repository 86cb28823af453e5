package drive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"understudy.dev/service/fetch"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
	"understudy.dev/trainer/internal/crash"
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
	ctx, cancel := context.WithDeadline(ctx, r.limit())
	defer cancel()
	err := step(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return r.late()
	}
	return err
}

// limit is when the deadline is passed or the budget spent, whichever comes
// first.
func (r *run) limit() time.Time {
	rec := r.record()
	limit := rec.Deadline()
	r.overdue = fmt.Sprintf("The deadline of %d s passed", rec.Spec.DeadlineSeconds)
	if budget := rec.Spec.MaxCostUSD; budget > 0 && rec.Agent.HourlyUSD > 0 {
		if spent := time.Now().Add(affords(budget-rec.CostUSD(time.Now()), rec.Agent.HourlyUSD)); spent.Before(limit) {
			limit = spent
			r.overdue = fmt.Sprintf("The budget of $%.4f was spent", budget)
		}
	}
	if rec.TrainSeconds > 0 {
		limit = limit.Add(r.Grace)
	}
	return limit
}

func affords(usd, hourlyUSD float64) time.Duration {
	return time.Duration(max(usd, 0) / hourlyUSD * float64(time.Hour))
}

func (r *run) late() error {
	rec := r.record()
	why := ""
	if trouble := r.trouble; trouble != nil {
		why = fmt.Sprintf(" Last trouble: %v.", trouble)
	}
	if rec.TrainSeconds == 0 {
		return trainer.Errorf(trainer.Broken, "%s before training began.%s", r.overdue, why)
	}
	return trainer.Errorf(trainer.Broken, "%s and the agent did not hand over a result within %s.%s", r.overdue, r.Grace, why)
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
	anew := r.booted(status)
	switch mine := status.JobID == r.id; {
	case mine && status.State != agent.Idle && rec.TrainSeconds > 0:
		return nil
	case !mine && status.State.Busy():
		return fmt.Errorf("the agent at %s works on another job (%s)", r.record().Agent.URL, status.JobID)
	case rec.TrainSeconds > 0: // it may know the job from before it was started anew
		err := r.order(ctx)
		if agent.CodeOf(err) != http.StatusPreconditionFailed {
			if err == nil && anew {
				r.note("The agent was started anew%s; the training goes on from its last checkpoint.", starts(status))
			}
			return err
		}
		if err := r.forget(); err != nil {
			return err
		}
		left := r.left()
		if left <= 0 {
			return trainer.Errorf(trainer.Broken, "%s, and what was trained until then was lost with the agent's disk. Give the job more time or money, or a network volume (RUNPOD_VOLUME_ID) that keeps its checkpoints.", r.overdue)
		}
		if anew {
			r.note("The agent was started anew%s; the training begins anew, with %s of its time left.", starts(status), left.Round(time.Second))
		}
	}
	if err := r.upload(ctx, status); err != nil {
		return err
	}
	return r.order(ctx)
}

func (r *run) datasetPath() string { return filepath.Join(r.Store.WorkDir(r.id), "dataset.jsonl") }

var datasetPoint = crash.At("drive.dataset")

// datasets ends a pull that hangs; the next attempt goes on where it was.
var datasets = &http.Client{Timeout: 5 * time.Minute}

// dataset pulls the data set here, unless it is here.
func (r *run) dataset(ctx context.Context) error {
	spec := r.record().Spec.Dataset
	header := http.Header{}
	if r.DatasetToken != "" {
		header.Set("Authorization", "Bearer "+r.DatasetToken.Reveal())
	}
	err := datasetPoint.Around(func() error {
		return fetch.File(ctx, fetch.Request{URL: spec.URL, Header: header, Path: r.datasetPath(), SHA256: spec.SHA256, Client: datasets})
	})
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
	a, err := r.provider.Ensure(ctx, r.Driver.order(r.record()))
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
		rec.Job.Provider = machine(rec)
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
	case time.Since(r.unheard) > r.silence() && !r.holds():
		return errors.Join(fmt.Errorf("nothing was heard from the agent for %s: %w", r.silence(), err), r.replace(ctx))
	}
	return err
}

func (r *run) silence() time.Duration {
	if renter, ok := r.provider.(Renter); ok {
		return renter.Silence()
	}
	return r.Driver.Silence
}

// holds reports whether a rented machine has artefacts that are not here: they
// are gone if it is ended.
func (r *run) holds() bool {
	rec := r.record()
	return rec.Job.State == trainer.Downloading && rec.Agent.HourlyUSD > 0
}

// forget takes back what an agent that knows nothing of it any more was told:
// the next order gives it what is left of time and budget.
func (r *run) forget() error {
	return r.update(func(rec *trainer.Record) {
		rec.TrainSeconds = 0
		if rec.Job.State == trainer.Downloading {
			_ = rec.Job.Move(trainer.Training, time.Now()) // what it had made is gone with it
		}
	})
}

// booted notes which start of which machine's agent this is. It returns true
// where a rented machine's is another than the one heard last.
func (r *run) booted(status agent.Status) bool {
	rec := r.record()
	boot := rec.Agent.ID + " " + status.BootID
	if rec.BootID == boot || rec.Agent.HourlyUSD == 0 {
		return false
	}
	if strings.HasPrefix(rec.BootID, rec.Agent.ID+" ") {
		r.strikes++ // a machine that is another counts where it is found
	}
	_ = r.update(func(rec *trainer.Record) { rec.BootID = boot })
	return rec.BootID != ""
}

// note keeps something for a person to read.
func (r *run) note(format string, args ...any) {
	slog.Warn("note", "job", r.id, "text", fmt.Sprintf(format, args...))
	_ = r.update(func(rec *trainer.Record) { rec.Note(time.Now(), format, args...) })
}

// replace ends an agent that is ours and does not work any more.
func (r *run) replace(ctx context.Context) error {
	rec := r.record()
	r.unheard = time.Time{}
	if !rec.Agent.Owned {
		return nil
	}
	return r.provider.End(ctx, r.Driver.order(rec))
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

// starts says what an agent's disk knows of earlier starts.
func starts(s agent.Status) string {
	switch {
	case s.Boots == 1:
		return " with an empty disk"
	case s.Boots > 1:
		return fmt.Sprintf(" (start %d on its disk)", s.Boots)
	}
	return "" // an agent that does not count
}

// left is how long an agent may train: until the deadline, or as long as the
// budget lasts.
func (r *run) left() time.Duration {
	rec := r.record()
	left := time.Until(rec.Deadline())
	if budget := rec.Spec.MaxCostUSD; budget > 0 && rec.Agent.HourlyUSD > 0 {
		affordable := affords(budget-rec.CostUSD(time.Now()), rec.Agent.HourlyUSD)
		// Converting and handing over are paid for as well.
		left = min(left, affordable-min(r.Grace, affordable/10))
	}
	return left
}

// order tells the agent to train. The deadline it is given was fixed with the
// first order, so that repeating it is the same order.
func (r *run) order(ctx context.Context) error {
	if rec := r.record(); rec.TrainSeconds == 0 {
		left := r.left()
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
func (d *Driver) order(rec trainer.Record) trainer.Order {
	return trainer.Order{
		JobID: rec.Job.ID, Spec: rec.Spec, Token: rec.Token,
		Dir: filepath.Join(d.Store.WorkDir(rec.Job.ID), "agent"), Log: d.Store.Log(rec.Job.ID), Previous: rec.Agent,
		Deadline: rec.Deadline(), Grace: d.Grace, SpentUSD: rec.CostUSD(time.Now()), Account: account{d, rec.Job.ID},
	}
}
