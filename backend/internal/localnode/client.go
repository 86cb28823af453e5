package localnode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	understudy "understudy.dev/backend"
)

// Client talks to a Server and follows its watch. It is an
// understudy.Runtime: a release's workload has the release's name.
type Client struct {
	http   *http.Client
	log    *slog.Logger
	stop   context.CancelFunc
	done   chan struct{}
	synced chan struct{}

	changed chan string
	mu      sync.RWMutex
	known   map[string]Workload
	pending *pending
}

var _ understudy.Runtime = (*Client)(nil)

// NewClient returns at once and follows the watch until Close, whether the
// server is there already or not.
func NewClient(socket string, log *slog.Logger) *Client {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 4}},
		log: log, stop: stop, done: make(chan struct{}), synced: make(chan struct{}),
		changed: make(chan string), known: map[string]Workload{}, pending: newPending()}
	go func() {
		defer close(c.done)
		var wg sync.WaitGroup
		wg.Go(func() { c.pending.deliver(ctx, c.changed) })
		c.follow(ctx)
		wg.Wait()
	}()
	return c
}

// Close ends the watch. What runs keeps running.
func (c *Client) Close() {
	c.stop()
	<-c.done
	c.http.CloseIdleConnections()
}

// callTimeout bounds one call: the server answers from memory.
const callTimeout = 10 * time.Second

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write the request to the local node: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localnode"+path, body)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return &understudy.Error{Code: understudy.Unavailable, Message: "the local node does not answer; is understudy up?", Err: err}
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		var problem struct {
			Detail string `json:"detail"`
		}
		if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
			problem.Detail = "the local node answers " + res.Status
		}
		return &understudy.Error{Code: codeOf(res.StatusCode), Message: problem.Detail}
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read the local node's answer: %w", err)
	}
	return nil
}

func (r Ref) path() string {
	return "/v1/objects/" + url.PathEscape(r.Kind) + "/" + url.PathEscape(r.Name)
}

// Apply creates or replaces an object, given as JSON. Invalid says what the
// node cannot honour.
func (c *Client) Apply(ctx context.Context, r Ref, object json.RawMessage) error {
	return c.call(ctx, http.MethodPut, r.path(), object, nil)
}

// Get returns an object as JSON, NotFound where there is none.
func (c *Client) Get(ctx context.Context, r Ref) (json.RawMessage, error) {
	var out json.RawMessage
	return out, c.call(ctx, http.MethodGet, r.path(), nil, &out)
}

// Delete removes an object, NotFound where there is none. It returns before
// the processes have ended.
func (c *Client) Delete(ctx context.Context, r Ref) error {
	return c.call(ctx, http.MethodDelete, r.path(), nil, nil)
}

// Objects lists every object.
func (c *Client) Objects(ctx context.Context) ([]Ref, error) {
	var out []Ref
	return out, c.call(ctx, http.MethodGet, "/v1/objects", nil, &out)
}
