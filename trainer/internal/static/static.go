// Package static uses an agent that somebody runs on a machine of their own.
// Nothing is started and nothing is ended.
package static

import (
	"context"

	"understudy.dev/service/env"
	"understudy.dev/trainer"
)

// Provider always names the same agent.
type Provider struct {
	URL   string
	Token env.Secret
}

// Ensure returns the agent; whether it answers shows when it is called.
func (p Provider) Ensure(context.Context, trainer.Order) (trainer.Agent, error) {
	return trainer.Agent{ID: p.URL, URL: p.URL, Token: p.Token.Reveal()}, nil
}

// End does nothing: the agent is not ours.
func (p Provider) End(context.Context, trainer.Order) error { return nil }
