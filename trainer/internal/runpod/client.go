// Package runpod rents pods from RunPod: a client of its REST API, version 2,
// and the provider that runs training agents on what it rents.
package runpod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"understudy.dev/service/env"
	"understudy.dev/trainer/internal/crash"
)

// DefaultURL is where the API is.
const DefaultURL = "https://api.runpod.io/v2"

// Client calls the API. It is safe for concurrent use.
type Client struct {
	URL       string // without a slash at its end
	Key       env.Secret
	UserAgent string // RunPod's front refuses some libraries' own

	mu     sync.Mutex
	resume time.Time // until then the quota is used up
}

const (
	callTimeout = 45 * time.Second
	maxAnswer   = 8 << 20
	readTries   = 5
	maxWait     = time.Minute // what we do not wait longer for at a time
)

// firstPause is between the first and the second try of a request.
var firstPause = 500 * time.Millisecond

var transport = http.DefaultTransport.(*http.Transport).Clone()

// get reads; it is repeated where the trouble may pass.
func (c *Client) get(ctx context.Context, path string, query url.Values, answer any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.again(ctx, readTries, func() error { return c.once(ctx, http.MethodGet, path, nil, answer) })
}

// change makes one request that changes something.
func (c *Client) change(ctx context.Context, point crash.Point, method, path string, body, answer any) error {
	return point.Around(func() error { return c.once(ctx, method, path, body, answer) })
}

// again repeats f up to tries times while its trouble may pass.
func (c *Client) again(ctx context.Context, tries int, f func() error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, 15*time.Second
	for try := 1; ; try++ {
		err := f()
		if err == nil || !passing(err) || try == tries || ctx.Err() != nil {
			return err
		}
		wait := pause.NextBackOff()
		var e *Error
		if errors.As(err, &e) && e.RetryAfter > 0 {
			wait = min(e.RetryAfter, maxWait)
		}
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// once makes one request, as soon as the quota allows it.
func (c *Client) once(ctx context.Context, method, path string, body, answer any) error {
	if err := c.quota(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode a request to RunPod: %w", err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, payload)
	if err != nil {
		return fmt.Errorf("RUNPOD_BASE_URL: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return silent(err)
	}
	defer res.Body.Close()
	c.note(res.Header)
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode/100 != 2:
		return failure(res, b)
	case err != nil:
		return fmt.Errorf("RunPod's answer broke off: %w", err)
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("RunPod's answer to %s %s is not what its API describes: %w", method, path, err)
	}
	return nil
}

// silent says that no answer came, without the request's line.
func silent(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("RunPod's API does not answer: %w", err)
}

// failure reads an error. Something between us and the API may answer with
// other than a problem document.
func failure(res *http.Response, body []byte) error {
	e := &Error{Status: res.StatusCode, Title: http.StatusText(res.StatusCode)}
	var p problem
	if json.Unmarshal(body, &p) == nil && (p.Title != "" || p.Detail != "") {
		e.Title, e.Detail, e.Violations = p.Title, p.Detail, p.Errors
	} else {
		text := strings.ToValidUTF8(strings.TrimSpace(string(body[:min(len(body), 200)])), "?")
		if !strings.HasPrefix(text, "<") {
			e.Detail = text
		}
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// quota waits while RunPod said that there is none left.
func (c *Client) quota(ctx context.Context) error {
	c.mu.Lock()
	wait := time.Until(c.resume)
	c.mu.Unlock()
	if wait > 0 && !sleep(ctx, min(wait, maxWait)) {
		return context.Cause(ctx)
	}
	return nil
}

// note remembers a quota that is used up.
func (c *Client) note(h http.Header) {
	if wait := exhausted(h.Get("RateLimit")); wait > 0 {
		c.mu.Lock()
		c.resume = time.Now().Add(wait)
		c.mu.Unlock()
	}
}

// exhausted reads a RateLimit header such as `"minute";r=0;t=12, "hour";r=2800;t=1812`
// and returns how long the longest window with nothing left lasts.
func exhausted(header string) time.Duration {
	var longest time.Duration
	for _, window := range strings.Split(header, ",") {
		left, resets := -1, 0
		for _, part := range strings.Split(window, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			n, err := strconv.Atoi(value)
			switch {
			case err != nil:
			case key == "r":
				left = n
			case key == "t":
				resets = n
			}
		}
		if left == 0 {
			longest = max(longest, time.Duration(resets)*time.Second)
		}
	}
	return longest
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
