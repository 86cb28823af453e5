package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"time"

	understudy "understudy.dev/backend"
)

// training freezes the data set, orders the job and watches it until there is
// something to download.
func (l *lead) training(ctx context.Context, m understudy.Model) (time.Duration, error) {
	if m.DataFrozenAt == nil {
		return l.freeze(ctx, m)
	}
	broken, err := l.DB.FrozenBroken(ctx, m.ID)
	if err != nil {
		return 0, err
	}
	if broken {
		return l.freezeAnew(ctx, m)
	}
	job, err := l.job(ctx, m)
	switch {
	case permanent(err):
		return l.fail(ctx, m, err.Error(), "")
	case err != nil:
		return 0, err
	}
	switch job.State {
	case understudy.JobDownloading, understudy.JobSucceeded:
		_, err := l.DB.Move(ctx, l.epoch, m, understudy.Progress, func(m *understudy.Model) {
			record(m, job, l.Now())
			m.Reason = ""
		})
		return 0, err
	case understudy.JobFailed:
		return l.failJob(ctx, m, job, job.Error, "")
	case understudy.JobCancelled:
		return l.failJob(ctx, m, job, "The training was cancelled at the trainer. Retry trains it.", "")
	}
	return l.Poll, l.progress(ctx, m, job)
}

func (l *lead) freeze(ctx context.Context, m understudy.Model) (time.Duration, error) {
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return 0, err
	}
	if noted, err := l.tellTasks(ctx, e); err != nil || noted {
		return 0, err
	}
	base, err := understudy.FindBase(m.Base)
	if err != nil {
		return l.fail(ctx, m, err.Error(), "")
	}
	_, err = l.DB.Freeze(ctx, l.epoch, m, understudy.DataSize{MaxTrain: e.MaxTrainPairs, MinEval: e.MinEvalPairs, MaxEval: e.MaxEvalPairs}, base.Tools, e.TaskMode())
	if permanent(err) {
		return l.fail(ctx, m, err.Error()+". Let the LLM answer more requests of one task; where the system prompt changes with every request, set the endpoint's fingerprint to tools.", "")
	}
	return 0, err
}

// tellTasks looks, before anything is learnt, whether system prompts can tell
// the endpoint's tasks apart, and notes it where they cannot: it is then true.
// Where tools and response_format vary as much, leaving the prompts out would
// not help.
func (l *lead) tellTasks(ctx context.Context, e understudy.Endpoint) (noted bool, err error) {
	if e.Fingerprint != understudy.FingerprintAuto || e.PromptVaries {
		return false, nil
	}
	full, tools, err := l.DB.Tasks(ctx, e.Name)
	if err != nil {
		return false, err
	}
	v := understudy.VarietyOf(full)
	if !v.Most() || understudy.VarietyOf(tools).Most() {
		return false, nil
	}
	err = l.DB.NotePromptVaries(ctx, l.epoch, e.Name, fmt.Sprintf("%d of the newest %d conversations of %s bring a system prompt that hardly any other has: its tasks are told apart by tools and response_format alone from now on. Set its fingerprint to full if it should be told apart by them all the same.", v.Alone, v.Conversations, e.Name))
	if err != nil {
		return false, err
	}
	l.Announce(ctx)
	return true, nil
}

// freezeAnew drops the attempt that knows a pair that was deleted since. The
// next has a number of its own, because a job's name stands for one order.
func (l *lead) freezeAnew(ctx context.Context, m understudy.Model) (time.Duration, error) {
	gone, err := l.dispose(ctx, understudy.JobName(m.ID, m.Attempt))
	if err != nil || !gone {
		return l.Poll, err
	}
	_, err = l.DB.Save(ctx, l.epoch, m, func(m *understudy.Model) {
		m.Attempt++
		m.DataFrozenAt, m.DatasetSHA256 = nil, ""
		m.Training = understudy.TrainingRecord{Rentals: m.Training.Rentals}
		m.Reason = "A pair that it was trained on was deleted: it begins again without."
	})
	l.memos.of(modelKey + m.ID).ordered = false
	return 0, err
}

// dispose cancels a job, or removes it where it is finished. It returns true
// when nothing of the job is left that could be served.
func (l *lead) dispose(ctx context.Context, id string) (bool, error) {
	if err := l.Trainer.Delete(ctx, id); err != nil {
		return false, err
	}
	job, err := l.Trainer.Get(ctx, id)
	if understudy.CodeOf(err) == understudy.NotFound {
		return true, nil
	}
	return err == nil && job.State.Finished() && !job.Adapter(), err
}

// job returns the job that this attempt rests on: one of an earlier attempt
// where that has an adapter, which is then never trained again.
func (l *lead) job(ctx context.Context, m understudy.Model) (understudy.TrainingJob, error) {
	memo := l.memos.of(modelKey + m.ID)
	id := understudy.JobName(m.ID, m.Attempt)
	if memo.ordered {
		job, err := l.Trainer.Get(ctx, id)
		if understudy.CodeOf(err) != understudy.NotFound {
			return job, err
		}
		memo.ordered = false // the trainer has lost it
	}
	if job, found, err := l.earlier(ctx, m); err != nil || found {
		return job, err
	}
	order, err := l.order(ctx, m)
	if permanent(err) {
		// What could not be ordered any more goes on if it was ordered before.
		if job, missing := l.Trainer.Get(ctx, id); missing == nil {
			return job, nil
		}
	}
	if err != nil {
		return understudy.TrainingJob{}, err
	}
	// Repeated by each leadership: a backend may have come back at another address.
	job, err := l.Trainer.Put(ctx, order)
	if understudy.CodeOf(err) == understudy.Conflict {
		// ordered under another configuration before a restart: it goes on as it is
		job, err = l.Trainer.Get(ctx, id)
	}
	memo.ordered = err == nil
	return job, err
}

// earlier finds an earlier attempt's job that has an adapter.
func (l *lead) earlier(ctx context.Context, m understudy.Model) (understudy.TrainingJob, bool, error) {
	for attempt := m.Attempt - 1; attempt >= 1; attempt-- {
		job, err := l.Trainer.Get(ctx, understudy.JobName(m.ID, attempt))
		if understudy.CodeOf(err) == understudy.NotFound {
			continue
		}
		if err != nil || job.Adapter() {
			return job, err == nil, err
		}
	}
	return understudy.TrainingJob{}, false, nil
}

func (l *lead) order(ctx context.Context, m understudy.Model) (understudy.TrainingOrder, error) {
	e, err := l.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return understudy.TrainingOrder{}, err
	}
	base, err := understudy.FindBase(m.Base)
	if err != nil {
		return understudy.TrainingOrder{}, err
	}
	provider := cmp.Or(e.Provider, l.TrainingProvider)
	gpus := e.GPUCandidates
	if len(gpus) == 0 {
		gpus = l.GPUCandidates
	}
	return understudy.TrainingOrder{
		ID: understudy.JobName(m.ID, m.Attempt), Base: base,
		DatasetURL:    fmt.Sprintf("%s/internal/v1/models/%s/dataset", l.BackendURL, m.ID),
		DatasetSHA256: m.DatasetSHA256, Pairs: m.TrainPairs, Hyperparameters: m.Hyperparameters,
		Provider: provider, Deadline: cmp.Or(e.TrainingDeadline, l.TrainingDeadline), MaxCostUSD: cmp.Or(e.MaxCostUSD, l.MaxCostUSD),
		GPUCandidates: gpus, Image: l.AgentImage,
	}, nil
}
