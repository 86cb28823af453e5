// Package agent speaks to a training agent. Every call is short and may be
// repeated; what to do after a failed one is the caller's to decide.
package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/crash"
)

// State is where the agent stands.
type State string

// The agent's states.
const (
	Idle       State = "idle"
	Loading    State = "loading"
	Training   State = "training"
	Converting State = "converting"
	Done       State = "done"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
)

// Busy reports whether the agent works on its job right now.
func (s State) Busy() bool { return s == Loading || s == Training || s == Converting }

// Status is what GET /v1/status answers.
type Status struct {
	BootID string `json:"bootId"` // of this start of the agent
	// Boots counts the starts that the agent's folder has seen. 1 under a new
	// BootID means that its disk was wiped: data set and checkpoint are gone.
	Boots   int    `json:"boots"`
	JobID   string `json:"jobId"`
	State   State  `json:"state"`
	Dataset struct {
		Received int64  `json:"received"`
		Total    int64  `json:"total"`
		SHA256   string `json:"sha256"`
	} `json:"dataset"`
	Progress     trainer.Progress   `json:"progress"`
	Artifacts    []trainer.Artifact `json:"artifacts"`
	StoppedEarly bool               `json:"stoppedEarly"`
	Error        string             `json:"error"`
	HeartbeatMs  int64              `json:"heartbeatMs"`
}

// Order is what POST /v1/train is told.
type Order struct {
	JobID           string          `json:"jobId"`
	Base            trainer.Base    `json:"base"`
	Dataset         trainer.Dataset `json:"dataset"`
	Hyperparameters json.RawMessage `json:"hyperparameters"`
	DeadlineSeconds int64           `json:"deadlineSeconds"`
}

// StatusError is an answer other than the one hoped for.
type StatusError struct {
	Code int
	Text string // what the agent said about it
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("the agent answered %d: %s", e.Code, e.Text), ": ")
}

// CodeOf returns the HTTP status of a StatusError in err's chain, or 0.
func CodeOf(err error) int {
	var e *StatusError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// Client calls one agent.
type Client struct {
	url, token string
	http       *http.Client
	Limit      *rate.Limiter // of artefacts' bytes a second; nil = none
}

// Limits of one call. No proxy between us and the agent allows more than 100 s.
const (
	shortCall = 10 * time.Second
	longCall  = 60 * time.Second
	maxAnswer = 1 << 20
)

// New returns a client of the agent at base.
func New(base, token string) *Client {
	return &Client{url: strings.TrimRight(base, "/"), token: token, http: &http.Client{Transport: transport}}
}

var (
	trainPoint    = crash.At("agent.train")
	cancelPoint   = crash.At("agent.cancel")
	uploadPoint   = crash.At("agent.upload")
	artifactPoint = crash.At("agent.artifact")
)

var transport = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = longCall
	t.MaxIdleConnsPerHost = 4
	return t
}()

// Status asks the agent where it stands.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.call(ctx, shortCall, http.MethodGet, "/v1/status", nil, nil, &s)
	if err == nil && !known(s.State) {
		err = fmt.Errorf("the agent is in the state %q, which this trainer does not know", s.State)
	}
	return s, err
}

func known(s State) bool {
	switch s {
	case Idle, Loading, Training, Converting, Done, Failed, Cancelled:
		return true
	}
	return false
}

// Train orders the training. Repeating the order changes nothing.
func (c *Client) Train(ctx context.Context, o Order) error {
	o.Base.Licence, o.Dataset.URL = "", ""
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return trainPoint.Around(func() error {
		return c.call(ctx, shortCall, http.MethodPost, "/v1/train", http.Header{"Content-Type": {"application/json"}}, b, nil)
	})
}

// Cancel ends the agent's work on its job.
func (c *Client) Cancel(ctx context.Context) error {
	return cancelPoint.Around(func() error {
		return c.call(ctx, shortCall, http.MethodDelete, "/v1/train", nil, nil, nil)
	})
}

// call makes one request; answer may be nil.
func (c *Client) call(ctx context.Context, limit time.Duration, method, path string, header http.Header, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	c.authorize(req.Header)
	res, err := c.http.Do(req)
	if err != nil {
		return plain(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return &StatusError{Code: res.StatusCode, Text: reason(b)}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("the agent's answer is not the JSON expected: %w", err)
	}
	return nil
}

func (c *Client) authorize(h http.Header) {
	h.Set("Authorization", "Bearer "+c.token)
	h.Set("User-Agent", "understudy-trainer")
}

// plain takes the request's line off an error of net/http: the address alone
// says enough.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("the agent does not answer: %w", u.Err)
	}
	return err
}

// reason picks the sentence out of an error body: a problem document's detail,
// or the text itself, cut.
func reason(body []byte) string {
	var p struct {
		Detail any    `json:"detail"`
		Error  string `json:"error"`
	}
	if json.Unmarshal(body, &p) == nil {
		if s, ok := p.Detail.(string); ok && s != "" {
			return s
		}
		if p.Error != "" {
			return p.Error
		}
	}
	if len(body) > 300 {
		body = body[:300]
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(body)), "?")
}
