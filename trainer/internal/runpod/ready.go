package runpod

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"understudy.dev/trainer"
)

// ready waits until the pod's agent itself answers: RUNNING is said much
// earlier. A pod that does not get there is ended.
func (p *Provider) ready(ctx context.Context, o trainer.Order, a trainer.Agent) (trainer.Agent, error) {
	spent := p.until(o, a.HourlyUSD)
	for {
		pod, err := p.Client.Pod(ctx, a.ID)
		var quiet error
		switch {
		case Gone(err):
			o.Account.Ended(a.ID)
			return a, failedStart("the pod %s was gone before its agent answered", a.ID)
		case err != nil:
			return a, patient(err)
		case pod.Status.Over():
			return a, p.giveUp(ctx, o, a, fmt.Errorf("the pod %s is %s before its agent answered", a.ID, pod.Status))
		case pod.Status == Running || pod.Status == Starting:
			a.Where = pod.Where()
			if quiet = answers(ctx, a); quiet == nil {
				slog.Info("agent answers", "job", o.JobID, "pod", a.ID, "after", time.Since(a.StartedAt).Round(time.Second))
				a.Ready = true
				return a, nil
			}
		}
		if err := p.stuck(pod, a, quiet); err != nil {
			return a, p.giveUp(ctx, o, a, err)
		}
		if time.Now().After(spent) {
			return a, trainer.Errorf(trainer.Broken, "The job's budget (maxCostUSD) of $%.4f or its deadline was used up before the agent in the pod %s answered.", o.Spec.MaxCostUSD, a.ID)
		}
		if !sleep(ctx, p.Poll) {
			return a, fmt.Errorf("the pod %s is %s; its agent does not answer yet", a.ID, pod.Status)
		}
	}
}

// stuck says what is wrong with a pod that takes too long.
func (p *Provider) stuck(pod Pod, a trainer.Agent, quiet error) error {
	age := time.Since(a.StartedAt)
	switch {
	case pod.Status == Provisioning && age > p.ProvisionWithin:
		return fmt.Errorf("the pod %s was still %s after %s", a.ID, pod.Status, p.ProvisionWithin)
	case age > p.ProvisionWithin+p.ReadyWithin, pod.StartedAt != nil && time.Since(*pod.StartedAt) > p.ReadyWithin:
		if quiet == nil {
			quiet = errors.New("it was not asked")
		}
		return fmt.Errorf("the pod %s is %s, but its agent did not answer within %s (%w); is its image the agent's? It last said: %s",
			a.ID, pod.Status, p.ReadyWithin, quiet, p.lastWords(a.ID))
	}
	return nil
}

// giveUp ends a pod that did not come up and puts its place last.
func (p *Provider) giveUp(ctx context.Context, o trainer.Order, a trainer.Agent, why error) error {
	p.shun(o.JobID, a)
	return errors.Join(failedStart("%w", why), p.end(ctx, o, a.ID))
}
