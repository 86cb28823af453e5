package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/service/file"
	"understudy.dev/service/serve"
)

// state is a published snapshot; it never changes.
type state struct {
	understudy.Snapshot
}

// key finds the client key of a request.
func (s *state) key(r *http.Request) (understudy.KeyRoute, bool) {
	token := serve.BearerToken(r)
	if token == "" {
		return understudy.KeyRoute{}, false
	}
	sum := sha256.Sum256([]byte(token))
	var name [2 * sha256.Size]byte
	hex.Encode(name[:], sum[:])
	k, ok := s.Keys[string(name[:])]
	return k, ok
}

const sourceTimeout = 5 * time.Second

// Refresh reads the snapshot now. Whoever has changed a route in this process
// may call it, to see the change at once.
func (g *Gateway) Refresh(ctx context.Context) error {
	g.refresh.Lock()
	defer g.refresh.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	s, err := g.cfg.Source.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read the route snapshot: %w", err)
	}
	g.publish(s)
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the route snapshot: %w", err)
	}
	if err := file.Replace(g.snapshotFile(), raw, 0o600); err != nil {
		g.log.Warn("gateway: the snapshot could not be saved", "error", err)
	}
	if g.cfg.Cache != nil {
		if err := g.cfg.Cache.SaveSnapshot(ctx, raw); err != nil {
			g.log.Debug("gateway: the snapshot could not be cached", "error", err)
		}
	}
	return nil
}

// CatchUp reads the snapshot if the generation has moved.
func (g *Gateway) CatchUp(ctx context.Context) error { return g.pollOnce(ctx, false) }

func (g *Gateway) publish(s understudy.Snapshot) {
	g.state.Store(&state{s})
	g.breakers.keep(s)
}

// poll refreshes if the generation has moved, or at once where force is set.
func (g *Gateway) poll(ctx context.Context, force bool) {
	err := g.pollOnce(ctx, force)
	switch {
	case err == nil && g.refused.Swap(false):
		g.log.Info("gateway: the database is back", "generation", g.state.Load().Generation)
	case err != nil && ctx.Err() == nil && !g.refused.Swap(true):
		g.log.Warn("gateway: routes by the last snapshot while the database is away", "error", err)
	}
}

func (g *Gateway) pollOnce(ctx context.Context, force bool) error {
	st := g.state.Load()
	if !force && st != nil {
		short, cancel := context.WithTimeout(ctx, sourceTimeout)
		defer cancel()
		now, err := g.cfg.Source.RouteGeneration(short)
		if err != nil || now == st.Generation {
			return err
		}
	}
	return g.Refresh(ctx)
}

func (g *Gateway) snapshotFile() string { return filepath.Join(g.cfg.DataDir, "snapshot.json") }

// loadSaved publishes the snapshot that an earlier process left on disk.
func (g *Gateway) loadSaved() {
	raw, err := os.ReadFile(g.snapshotFile())
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = g.publishSaved(raw)
	}
	if err != nil {
		g.log.Warn("gateway: the saved snapshot is of no use", "file", g.snapshotFile(), "error", err)
	}
}

// loadCached publishes another replica's snapshot if there is none so far.
func (g *Gateway) loadCached(ctx context.Context) {
	if g.cfg.Cache == nil || g.state.Load() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	raw, err := g.cfg.Cache.LoadSnapshot(ctx)
	if err == nil && len(raw) > 0 {
		err = g.publishSaved(raw)
	}
	if err != nil {
		g.log.Debug("gateway: no cached snapshot", "error", err)
	}
}

func (g *Gateway) publishSaved(raw []byte) error {
	var s understudy.Snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	g.publish(s)
	return nil
}
