package localnode

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"time"

	understudy "understudy.dev/backend"
)

// Ready implements understudy.Addresses from what the watch has brought.
func (c *Client) Ready(release string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.known[release].Addresses)
}

// Synced is closed when the first list has arrived.
func (c *Client) Synced() <-chan struct{} { return c.synced }

// Changed implements understudy.Runtime. There is one channel: one reader.
func (c *Client) Changed() <-chan string { return c.changed }

// State implements understudy.Runtime; it asks the server, so it sees what
// this client has just done.
func (c *Client) State(ctx context.Context, release string) (understudy.WorkloadState, error) {
	w, err := c.Workload(ctx, release)
	if understudy.CodeOf(err) == understudy.NotFound {
		return understudy.WorkloadState{}, nil
	}
	if err != nil {
		return understudy.WorkloadState{}, err
	}
	return w.state(), nil
}

// Workload returns what is known of a Deployment or Job, pods included;
// NotFound where there is none.
func (c *Client) Workload(ctx context.Context, name string) (Workload, error) {
	var w Workload
	return w, c.call(ctx, http.MethodGet, "/v1/workloads/"+url.PathEscape(name), nil, &w)
}

// Scale implements understudy.Runtime.
func (c *Client) Scale(ctx context.Context, release string, replicas int, version string) error {
	err := c.call(ctx, http.MethodPut, "/v1/workloads/"+url.PathEscape(release)+"/scale", scaleRequest{replicas, version}, nil)
	if understudy.CodeOf(err) == understudy.Conflict {
		return fmt.Errorf("scale %s: %w", release, understudy.ErrStale)
	}
	return err
}

const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// follow keeps the watch open. While the server is away the last list stays:
// its processes may well go on.
func (c *Client) follow(ctx context.Context) {
	wait := firstRetry
	for ctx.Err() == nil {
		got, err := c.watch(ctx)
		if got {
			wait = firstRetry
		}
		if ctx.Err() != nil {
			return
		}
		c.log.Debug("the local node's watch is opened again", "wait", wait, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		wait = min(2*wait, lastRetry)
	}
}

func (c *Client) watch(ctx context.Context) (got bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localnode/v1/watch", nil)
	if err != nil {
		return false, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return got, err
		}
		var list []Workload
		if err := json.Unmarshal(line, &list); err != nil {
			return got, err
		}
		c.learn(list)
		got = true
	}
}

// learn replaces what is known and says which names changed.
func (c *Client) learn(list []Workload) {
	next := make(map[string]Workload, len(list))
	for _, w := range list {
		next[w.Name] = w
	}
	c.mu.Lock()
	before := c.known
	c.known = next
	c.mu.Unlock()
	select {
	case <-c.synced:
	default:
		close(c.synced)
	}
	for name, w := range next {
		if old, ok := before[name]; !ok || !reflect.DeepEqual(old, w) {
			c.pending.add(name)
		}
	}
	for name := range before {
		if _, ok := next[name]; !ok {
			c.pending.add(name)
		}
	}
}

// pending holds changed names until somebody reads them: repeats are dropped,
// names never are.
type pending struct {
	mu    sync.Mutex
	names []string
	more  chan struct{}
}

func newPending() *pending { return &pending{more: make(chan struct{}, 1)} }

func (p *pending) add(name string) {
	p.mu.Lock()
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

func (p *pending) deliver(ctx context.Context, to chan<- string) {
	for {
		p.mu.Lock()
		var name string
		if len(p.names) > 0 {
			name, p.names = p.names[0], p.names[1:]
		}
		p.mu.Unlock()
		if name == "" {
			select {
			case <-p.more:
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case to <- name:
		case <-ctx.Done():
			return
		}
	}
}
