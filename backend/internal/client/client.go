// Package client is the management API's Go client: what the command line and
// the play speak to the backend with.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// Client speaks to one backend.
type Client struct {
	URL  string // base URL
	Key  string // admin key
	HTTP *http.Client
}

// New returns a client; no call has a deadline but its context's.
func New(url, key string) *Client {
	return &Client{URL: strings.TrimRight(url, "/"), Key: key, HTTP: &http.Client{}}
}

// Get reads a resource under /api/v1.
func Get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return Do[T](ctx, c, http.MethodGet, path, nil)
}

// Do sends body (nil: none; an io.Reader: as it is; else as JSON) and reads
// the answer. An error answer becomes a domain error with the server's words.
func Do[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var out T
	res, err := c.send(ctx, method, path, "application/json", body)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		return out, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return out, nil
}

// Stream returns the answer's body, of whatever type; the caller closes it.
func (c *Client) Stream(ctx context.Context, path string) (io.ReadCloser, error) {
	res, err := c.send(ctx, http.MethodGet, path, "*/*", nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

func (c *Client) send(ctx context.Context, method, path, accept string, body any) (*http.Response, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+"/api/v1"+path, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("Accept", accept)
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		var urlErr *url.Error
		if errors.As(err, &urlErr) && !errors.Is(err, context.Canceled) {
			return nil, understudy.Errorf(understudy.Unavailable, "no Understudy answers at %s (%v); start it with `understudy up`, or name another with --url", c.URL, urlErr.Err)
		}
		return nil, err
	}
	if res.StatusCode >= 400 {
		defer res.Body.Close()
		return nil, problem(res)
	}
	return res, nil
}

var codes = map[int]understudy.Code{
	400: understudy.Invalid, 401: understudy.Unauthorized, 404: understudy.NotFound, 409: understudy.Conflict,
	413: understudy.TooLarge, 422: understudy.Invalid, 503: understudy.Unavailable,
}

func problem(res *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
	}
	message := strings.TrimSpace(string(b))
	if json.Unmarshal(b, &p) == nil && p.Title+p.Detail != "" {
		message = p.Detail
		if message == "" {
			message = p.Title
		}
		for _, e := range p.Errors {
			message += "; " + strings.TrimSpace(e.Location+" "+e.Message)
		}
	}
	code, ok := codes[res.StatusCode]
	if !ok {
		code = understudy.Internal
	}
	return understudy.Errorf(code, "%s", message)
}

// Events calls tell for every event after the cursor, until ctx ends or the
// connection breaks; it returns the cursor to go on from.
func (c *Client) Events(ctx context.Context, after int64, tell func(wire.Event)) (int64, error) {
	return c.FollowEvents(ctx, after, url.Values{}, tell)
}

// FollowEvents is Events of some: endpoint, modelId, kind.
func (c *Client) FollowEvents(ctx context.Context, after int64, filter url.Values, tell func(wire.Event)) (int64, error) {
	query := maps.Clone(filter)
	query.Set("after", strconv.FormatInt(after, 10))
	body, err := c.Stream(ctx, "/events?"+query.Encode())
	if err != nil {
		return after, err
	}
	defer body.Close()
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data:"); ok {
			var e wire.Event
			if json.Unmarshal([]byte(data), &e) == nil && e.ID > 0 {
				after = e.ID
				tell(e)
			}
		}
		if err != nil {
			return after, err
		}
	}
}
