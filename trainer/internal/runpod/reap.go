package runpod

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"understudy.dev/trainer"
)

// Stray is a pod of this installation.
type Stray struct {
	Pod Pod
	Job string // as its name tells
}

// Ours lists the pods of this installation: those with its prefix, no others.
func (p *Provider) Ours(ctx context.Context) ([]Stray, error) {
	pods, err := p.Client.Pods(ctx)
	if err != nil {
		return nil, err
	}
	var ours []Stray
	for _, pod := range pods {
		job, ok := strings.CutPrefix(pod.Name, p.prefix())
		if ok && job != "" && pod.Status != Terminated {
			ours = append(ours, Stray{pod, job})
		}
	}
	return ours, nil
}

// Reap ends this installation's pods that needed does not want, and tells ended
// of each with the job that its name tells. A pod that is just being made is
// not among them: making one holds the same lock until needed knows it.
func (p *Provider) Reap(ctx context.Context, needed func(job, pod string) bool, ended func(job string, a trainer.Agent)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours, err := p.Ours(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, s := range ours {
		if needed(s.Job, s.Pod.ID) {
			continue
		}
		slog.Warn("a pod without a job is ended", "pod", s.Pod.ID, "name", s.Pod.Name, "since", s.Pod.CreatedAt)
		if err := p.Client.Delete(ctx, s.Pod.ID); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		ended(s.Job, p.agent(trainer.Order{JobID: s.Job}, s.Pod))
	}
	return failed
}
