// Package local starts a training agent on this machine, as a child process
// that ends when the trainer ends, however that happens.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"understudy.dev/service/child"
	"understudy.dev/trainer"
)

// Provider starts one agent for each job that needs one.
type Provider struct {
	Command []string // the agent's program and its arguments
	Env     []string // its environment, but for what the provider sets

	mu     sync.Mutex
	agents map[string]*running
}

type running struct {
	process *child.Process
	agent   trainer.Agent
}

const (
	startPatience = 2 * time.Minute // Python imports much, on a cold disk slowly
	stopPatience  = 5 * time.Second
	// An agent of a trainer that was killed ends by itself; after this it is made to.
	leavePatience = 3 * time.Second
)

// Ensure returns the job's agent, and starts it if none runs.
func (p *Provider) Ensure(ctx context.Context, o trainer.Order) (trainer.Agent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.agents[o.JobID]; ok {
		select {
		case <-r.process.Done():
			slog.Warn("agent ended", "job", o.JobID, "pid", r.process.PID(), "error", r.process.Wait())
			delete(p.agents, o.JobID)
		default:
			return r.agent, nil
		}
	}
	r, err := p.start(ctx, o)
	if err != nil {
		return trainer.Agent{}, err
	}
	if p.agents == nil {
		p.agents = map[string]*running{}
	}
	p.agents[o.JobID] = r
	return r.agent, nil
}

func (p *Provider) start(ctx context.Context, o trainer.Order) (*running, error) {
	path, err := exec.LookPath(p.Command[0])
	if err != nil {
		return nil, trainer.Errorf(trainer.Broken, "The training agent's program %q cannot be run (%v). Run `make setup`, or set AGENT_COMMAND.", p.Command[0], reason(err))
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the agent's folder: %w", err)
	}
	held, err := claim(o.Dir + ".lock")
	if err != nil {
		return nil, err
	}
	defer held.Close() // the child has it now
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	defer log.Close()
	portFile := o.Dir + ".url"
	if err := os.Remove(portFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old address: %w", err)
	}
	process, err := child.Start(child.Spec{
		Path: path, Args: p.Command[1:], Stdout: log, Stderr: log, Files: []*os.File{held},
		Env: append(append([]string{}, p.Env...), "AGENT_DIR="+o.Dir, "AGENT_TOKEN="+o.Token,
			"AGENT_PORT_FILE="+portFile, "LISTEN_ADDR=127.0.0.1:0"),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", trainer.ErrStart, err)
	}
	note(held, process.PID())
	address, err := await(ctx, process, portFile)
	if err != nil {
		process.Kill()
		<-process.Done()
		if line := lastLine(o.Log); line != "" {
			err = fmt.Errorf("%w; it said: %s", err, line)
		}
		return nil, fmt.Errorf("%w: %w", trainer.ErrStart, err)
	}
	slog.Info("agent started", "job", o.JobID, "pid", process.PID(), "url", address)
	return &running{process: process, agent: trainer.Agent{
		ID: strconv.Itoa(process.PID()), URL: address, Token: o.Token, Owned: true, StartedAt: time.Now().UTC(),
	}}, nil
}

func reason(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// End ends the job's agent; its folder stays, and a new agent goes on from it.
func (p *Provider) End(_ context.Context, o trainer.Order) error {
	p.mu.Lock()
	r, ok := p.agents[o.JobID]
	delete(p.agents, o.JobID)
	p.mu.Unlock()
	if ok {
		r.process.Stop(stopPatience)
	}
	return nil
}

// Close ends every agent.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all sync.WaitGroup
	for _, r := range p.agents {
		all.Go(func() { r.process.Stop(stopPatience) })
	}
	all.Wait()
	p.agents = nil
}
