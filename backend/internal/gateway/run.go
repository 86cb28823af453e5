package gateway

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	understudy "understudy.dev/backend"
)

const (
	pollEvery     = 2 * time.Second
	pollFirst     = 200 * time.Millisecond // while there are no routes at all
	switchEvery   = time.Second
	activityEvery = 5 * time.Second
)

// Run keeps the snapshot, the bypass switch and the activity fresh until ctx
// ends. Requests are answered with or without it.
func (g *Gateway) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.reportActivity(ctx)
	}()
	g.poll(ctx, true)
	if g.Ready() != nil {
		g.loadCached(ctx)
	}
	g.activity.beat()
	first := pollEvery
	if g.Ready() != nil {
		first = pollFirst
	}
	poll, look := time.NewTicker(first), time.NewTicker(switchEvery)
	defer poll.Stop()
	defer look.Stop()
	changes := g.cfg.Changes
	for {
		before := g.generation()
		select {
		case <-ctx.Done():
			<-done
			return nil
		case _, open := <-changes:
			if !open {
				changes = nil
			}
			g.poll(ctx, true)
		case <-poll.C:
			g.poll(ctx, false)
			g.loadCached(ctx)
			if first != pollEvery && g.Ready() == nil {
				first = pollEvery
				poll.Reset(first)
			}
		case <-look.C:
			g.lookForSwitch()
		}
		if g.generation() != before {
			g.activity.beat()
		}
	}
}

func (g *Gateway) generation() int64 {
	if st := g.state.Load(); st != nil {
		return st.Generation
	}
	return 0
}

// lookForSwitch notes whether the file "bypass" is there. The switch works
// without the database, so a doubt about the file counts as "not there".
func (g *Gateway) lookForSwitch() {
	_, err := os.Stat(g.bypassFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.log.Debug("gateway: the bypass file cannot be looked at", "error", err)
	}
	if on := err == nil; g.bypassed.Swap(on) != on {
		g.log.Warn("gateway: the bypass file has changed", "everythingToTheLLM", on)
	}
}

func (g *Gateway) bypassFile() string { return filepath.Join(g.cfg.DataDir, "bypass") }

// BypassFile is the file that sends everything of this replica to the LLM, ""
// where it is not there.
func (g *Gateway) BypassFile() string {
	if _, err := os.Stat(g.bypassFile()); err != nil {
		return ""
	}
	return g.bypassFile()
}

// bypass reports whether everything of an endpoint goes to the LLM.
func (g *Gateway) bypass(st *state, e understudy.Endpoint) bool {
	return g.cfg.Bypass || g.bypassed.Load() || st.Bypass || e.Bypass
}
