// Package call does JSON requests to the platform's other services and turns
// what goes wrong into coded domain errors.
package call

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// Service is where a service is and how it is called.
type Service struct {
	Name    string // for people, e.g. "the trainer"
	URL     string
	Token   env.Secret
	Timeout time.Duration // of one call
	Client  *http.Client  // nil = http.DefaultClient
}

// maxAnswer bounds what is read of an answer: a hundred embeddings are 1 MB.
const maxAnswer = 32 << 20

// JSON sends in, where it is not nil, and decodes the answer into out, where
// that is not nil. Errors carry a code: Unavailable for what may go well next
// time (no connection, timeout, 429, 5xx), else what the service said of the
// request: Invalid, Unauthorized, NotFound, Conflict or TooLarge.
func (s Service) JSON(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode a request to %s: %w", s.Name, err)
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(s.URL, "/")+path, body)
	if err != nil {
		return fmt.Errorf("make a request to %s: %w", s.Name, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token.Reveal())
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return &understudy.Error{Code: understudy.Unavailable, Message: s.Name + " cannot be reached", Err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return &understudy.Error{Code: understudy.Unavailable, Message: s.Name + " broke off its answer", Err: err}
	}
	if res.StatusCode/100 != 2 {
		return s.refused(res.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return &understudy.Error{Code: understudy.Unavailable, Message: s.Name + " answered what is not the agreed JSON", Err: err}
	}
	return nil
}

func (s Service) refused(status int, body []byte) error {
	code := understudy.Invalid
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return understudy.Errorf(understudy.Unauthorized, "%s refuses the service token: give both the same UNDERSTUDY_SERVICE_TOKEN", s.Name)
	case status == http.StatusNotFound:
		code = understudy.NotFound
	case status == http.StatusConflict:
		code = understudy.Conflict
	case status == http.StatusRequestEntityTooLarge:
		code = understudy.TooLarge
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status/100 != 4:
		code = understudy.Unavailable
	}
	var problem struct{ Title, Detail string }
	detail := strings.TrimSpace(string(body[:min(len(body), 200)]))
	if json.Unmarshal(body, &problem) == nil {
		detail = problem.Detail
		if detail == "" {
			detail = problem.Title
		}
	}
	return understudy.Errorf(code, "%s answered %d: %s", s.Name, status, detail)
}
