package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

// podError says why an SLM pod did not do.
type podError struct {
	cause string // for the counter
	next  bool   // another pod may do
	well  bool   // it says nothing about the SLM's health
	err   error
}

func (e *podError) Error() string { return fmt.Sprintf("%s: %v", e.cause, e.err) }
func (e *podError) Unwrap() error { return e.err }

// Unwrapping to errUncounted keeps the breaker out of it.
func (e *podError) Is(target error) bool { return target == errUncounted && e.well }

var (
	errFirstToken = errors.New("no content came in time")
	errTotal      = errors.New("the answer was not finished in time")
)

// call is one request to an SLM pod; it is always asked for a stream, so that
// a pod that hangs is noticed early.
type call struct {
	payload      []byte
	first, total time.Duration
	live         bool // total bounds the silence between events, not the whole
	// event is given every event after the assembler has seen it; its error
	// ends the call and is returned as it is.
	event func(e sse.Event, a *completion.Assembler, usageOnly bool) error
}

// ask sends the call to a pod and reads its stream to the end. Any error but
// event's own is a *podError.
func (g *Gateway) ask(parent context.Context, base string, c call) (*completion.Assembler, error) {
	defer g.pods.enter(base)()
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	total := time.AfterFunc(c.total, func() { cancel(errTotal) })
	defer total.Stop()
	first := time.AfterFunc(c.first, func() { cancel(errFirstToken) })
	defer first.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(c.payload))
	if err != nil {
		return nil, &podError{cause: "address", err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := g.slm.RoundTrip(req)
	if err != nil {
		return nil, failed(ctx, parent, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, refused(res)
	}
	if !isStream(res.Header) {
		return nil, &podError{cause: "garbage", err: fmt.Errorf("content type %q is no stream", res.Header.Get("Content-Type"))}
	}
	a := &completion.Assembler{}
	events := sse.NewReader(res.Body)
	started := false
	for {
		e, err := events.Next()
		if err == io.EOF && (a.Done || a.Finish != "") {
			return a, nil
		}
		if err != nil {
			return a, failed(ctx, parent, err)
		}
		usageOnly := a.Add(e.Data)
		switch {
		case a.Failed != "" || e.Error:
			return a, &podError{cause: "error_event", err: errors.New(a.Failed)}
		case a.Garbage:
			return a, &podError{cause: "garbage", err: errors.New("an event is no JSON")}
		}
		if !started && a.Started() {
			if started = true; !first.Stop() {
				return a, failed(ctx, parent, errFirstToken)
			}
		}
		waits := c.live && started && total.Stop() // a slow client is not the pod's fault
		if err := c.event(e, a, usageOnly); err != nil {
			return a, err
		}
		if waits {
			total.Reset(c.total)
		}
		if a.Done {
			return a, nil
		}
	}
}

// failed says why a connection gave no answer.
func failed(ctx, parent context.Context, err error) *podError {
	switch cause := context.Cause(ctx); {
	case parent.Err() != nil:
		return &podError{cause: "client_gone", well: true, err: parent.Err()}
	case errors.Is(cause, errFirstToken):
		return &podError{cause: "first_token_timeout", err: cause}
	case errors.Is(cause, errTotal):
		return &podError{cause: "total_timeout", err: cause}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &podError{cause: "refused", next: true, err: err}
	}
	if dial := new(net.OpError); errors.As(err, &dial) && dial.Op == "dial" {
		return &podError{cause: "unreachable", next: true, err: err}
	}
	return &podError{cause: "broke_off", err: err}
}

// refused reads why a pod answered with a status.
func refused(res *http.Response) *podError {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 512))
	e := &podError{cause: "status_" + code(res.StatusCode), err: fmt.Errorf("status %d: %s", res.StatusCode, text)}
	switch res.StatusCode {
	case http.StatusTooManyRequests: // full, and well
		e.next, e.well = true, true
	case http.StatusServiceUnavailable:
		e.next = true
	case http.StatusBadRequest: // it is this request
		e.well = true
	}
	return e
}
