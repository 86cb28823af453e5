package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/completion"
	"understudy.dev/backend/internal/gateway/sse"
)

// relayWhole passes on an answer that is no stream. It is read first, up to
// the capture limit, so that one that breaks off can still become an error; it
// returns false where it did.
func (x *exchange) relayWhole(res *http.Response, o *outcome) bool {
	limit := int64(x.g.cfg.MaxCapture)
	head, err := readHead(res, limit)
	if err != nil {
		if x.gone() {
			return false
		}
		x.g.log.Warn("gateway: the upstream's answer broke off", "upstream", x.upstream.Name, "error", err)
		clear(x.w.Header())
		x.label(understudy.SourceLLM, x.endpoint.UpstreamModel, o.reason, "")
		x.g.fail(x.w, problem{502, "upstream_broke_off", fmt.Sprintf("The upstream %q broke off its answer: %s.", x.upstream.Name, brief(err)), ""})
		return false
	}
	o.whole, o.complete = head, true
	x.w.WriteHeader(res.StatusCode)
	if _, err := x.w.Write(head); err != nil {
		o.complete = false
		return true
	}
	if int64(len(head)) < limit {
		return true
	}
	o.complete = false // longer than what is kept
	if _, err := io.Copy(x.w, res.Body); err != nil && !x.gone() {
		x.g.meter.broken.WithLabelValues(x.endpoint.Name, string(understudy.SourceLLM)).Inc()
		o.latency = time.Since(x.start)
		x.record(*o)
		panic(http.ErrAbortHandler) // the one way to tell the client that the rest is missing
	}
	return true
}

func readHead(res *http.Response, limit int64) ([]byte, error) {
	if n := res.ContentLength; n >= 0 && n < limit {
		head := make([]byte, n)
		_, err := io.ReadFull(res.Body, head)
		return head, err
	}
	return io.ReadAll(io.LimitReader(res.Body, limit))
}

// relayStream passes on a stream event by event, as bytes, and assembles it
// beside. The usage that only we asked for is left out.
func (x *exchange) relayStream(in io.Reader, o *outcome) {
	x.startStream()
	a := &completion.Assembler{Limit: x.g.cfg.MaxCapture}
	o.chunks = a
	drop := x.addsUsage()
	events := sse.NewReader(in)
	for {
		e, err := events.Next()
		if err != nil {
			x.endStream(err, o)
			return
		}
		usageOnly := a.Add(e.Data)
		a.Garbage = a.Garbage || e.Piece
		if e.Error && a.Failed == "" {
			a.Failed = "error event"
		}
		if usageOnly && drop {
			continue
		}
		if o.firstToken == 0 && a.Started() {
			o.firstToken = time.Since(x.start)
			x.g.meter.firstToken.WithLabelValues(x.endpoint.Name, string(o.source)).Observe(o.firstToken.Seconds())
		}
		if _, err := x.w.Write(e.Raw); err != nil {
			return // the client has left; the request's context ends the upstream's work
		}
		if !events.Buffered() {
			x.flush()
		}
	}
}

// endStream judges how a stream ended, and says so to the client if it broke.
func (x *exchange) endStream(err error, o *outcome) {
	a := o.chunks
	ended := a.Done || a.Finish != "" && err == io.EOF
	o.complete = ended && a.Failed == "" && !a.Garbage && !a.Truncated
	if ended && a.Failed == "" || x.gone() {
		x.flush()
		return
	}
	x.g.meter.broken.WithLabelValues(x.endpoint.Name, string(o.source)).Inc()
	if a.Failed != "" { // the upstream has said so itself
		x.flush()
		return
	}
	if !errors.Is(err, context.Canceled) {
		x.g.log.Warn("gateway: the upstream's stream broke", "upstream", x.upstream.Name, "error", err)
	}
	_, _ = io.WriteString(x.w, "\n\n") // what came may have ended within a line
	_, _ = x.w.Write(problem{502, "upstream_broke_off", fmt.Sprintf("The upstream %q broke off its answer.", x.upstream.Name), ""}.event())
	x.flush()
}
