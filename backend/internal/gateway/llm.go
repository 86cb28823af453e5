package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
)

// answerByLLM sends the request to the upstream and its answer to the client.
func (x *exchange) answerByLLM(d decision) {
	res, err := x.askLLM()
	if err != nil {
		x.failLLM(d, err)
		return
	}
	defer res.Body.Close()
	o := outcome{source: understudy.SourceLLM, reason: d.reason}
	if res.StatusCode == http.StatusOK {
		o.id = x.id
	}
	copyHeaders(x.w.Header(), res.Header, nil)
	x.label(understudy.SourceLLM, x.endpoint.UpstreamModel, d.reason, o.id)
	status := res.StatusCode
	if status == http.StatusOK && isStream(res.Header) {
		x.relayStream(res.Body, &o)
	} else if !x.relayWhole(res, &o) {
		status, o.id = http.StatusBadGateway, ""
	}
	o.latency = time.Since(x.start)
	x.count(understudy.SourceLLM, d.reason, status, o.latency)
	x.record(o)
	if d.sample && o.id != "" && o.complete {
		x.shadow(d, o.id)
	}
}

func (x *exchange) count(s understudy.Source, r understudy.Reason, status int, latency time.Duration) {
	x.g.meter.requests.WithLabelValues(x.endpoint.Name, string(s), string(r), code(status)).Inc()
	x.g.meter.latency.WithLabelValues(x.endpoint.Name, string(s)).Observe(latency.Seconds())
}

// addsUsage reports whether the upstream is asked for a usage that the client
// did not ask for.
func (x *exchange) addsUsage() bool {
	return x.stream && !x.upstream.NoStreamOptions &&
		!gjson.GetBytes(x.body.Get("stream_options"), "include_usage").Exists()
}

// llmBody is the request for the upstream: its bytes with the two edits.
func (x *exchange) llmBody() []byte {
	edits := [2]body.Edit{{Name: "model", Value: body.Quote(x.endpoint.UpstreamModel)}}
	n := 1
	if x.addsUsage() {
		options := []byte(`{"include_usage":true}`)
		if o, err := body.Parse(x.body.Get("stream_options")); err == nil {
			options = o.Splice(body.Edit{Name: "include_usage", Value: []byte("true")})
		}
		edits[1] = body.Edit{Name: "stream_options", Value: options}
		n = 2
	}
	return x.body.Splice(edits[:n]...)
}

func (x *exchange) askLLM() (*http.Response, error) {
	payload := x.llmBody()
	req := (&http.Request{
		Method: http.MethodPost, URL: x.upstream.target(x.r), Header: make(http.Header, len(x.r.Header)+2),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(x.r.Context())
	copyHeaders(req.Header, x.r.Header, notForwarded)
	x.upstream.authorize(req.Header)
	repeatable(req, payload)
	return x.upstream.transport.RoundTrip(req)
}

// repeatable gives a request its body so that the transport may send it again
// where a kept-open connection turns out to be closed: an upstream that closes
// idle ones just when one is used is no reason to fail. A request that was
// answered in part is never sent again. (net/http takes a POST for repeatable
// if it has an Idempotency-Key; one without values is not sent.)
func repeatable(req *http.Request, payload []byte) {
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(payload)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = int64(len(payload))
	if _, ok := req.Header["Idempotency-Key"]; !ok {
		req.Header["Idempotency-Key"] = []string{}
	}
}

func (u *upstream) authorize(h http.Header) {
	if u.Key != "" {
		h["Authorization"] = []string{"Bearer " + u.Key}
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // or the transport puts its own
	}
}

// failLLM answers where the upstream could not be asked.
func (x *exchange) failLLM(d decision, err error) {
	if x.gone() {
		x.count(understudy.SourceLLM, d.reason, statusClientGone, time.Since(x.start))
		return
	}
	x.g.log.Warn("gateway: the upstream does not answer", "upstream", x.upstream.Name, "error", err)
	p := problem{502, "upstream_unreachable", fmt.Sprintf("The upstream %q cannot be reached: %s.", x.upstream.Name, brief(err)), ""}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		p = problem{504, "upstream_timeout", fmt.Sprintf("The upstream %q has not answered in time.", x.upstream.Name), ""}
	}
	x.label(understudy.SourceLLM, x.endpoint.UpstreamModel, d.reason, "")
	x.g.fail(x.w, p)
}

// brief is the innermost error: a URL or address is nothing for a client.
func brief(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it closed the connection"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
