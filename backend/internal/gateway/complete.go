package gateway

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
)

// complete answers POST /v1/chat/completions.
func (g *Gateway) complete(w http.ResponseWriter, r *http.Request, st *state, key understudy.KeyRoute) {
	start := time.Now()
	raw, p := g.read(w, r)
	if p.status != 0 {
		g.fail(w, p)
		return
	}
	object, err := body.Parse(raw)
	if err != nil {
		g.fail(w, problem{400, "invalid_body", "The request cannot be read: " + err.Error() + ".", ""})
		return
	}
	name := object.String("model")
	if key.DefaultEndpoint != "" {
		name = key.DefaultEndpoint
	}
	route, known := st.Endpoints[name]
	if !known && key.DefaultEndpoint != "" {
		g.fail(w, ofDeletedEndpoint(name))
		return
	}
	if !known {
		g.unknownModel(w, r, st, name, raw)
		return
	}
	up, ok := g.upstreams[route.Endpoint.Upstream]
	if !ok {
		g.fail(w, notConfigured(route.Endpoint))
		return
	}
	if m := gjson.ParseBytes(object.Get("messages")); !m.IsArray() || !m.Get("0").Exists() {
		g.fail(w, problem{400, "invalid_messages", "\"messages\" is missing or empty; send an array of at least one message.", "messages"})
		return
	}
	x := &exchange{
		g: g, w: w, r: r, start: start, st: st, endpoint: route.Endpoint, target: route.Target, upstream: up, body: object,
		stream: string(object.Get("stream")) == "true", task: r.Header.Get("X-Understudy-Task"),
	}
	x.usageAsked = x.stream && gjson.GetBytes(object.Get("stream_options"), "include_usage").Bool()
	if route.Endpoint.Capture && len(raw) <= g.cfg.MaxCapture && !strings.EqualFold(r.Header.Get("X-Understudy-Capture"), "off") {
		x.id = newID()
	}
	d, p := g.decide(x)
	if p.status != 0 {
		g.fail(w, p)
		return
	}
	if d.slm {
		if x.answerBySLM(d) {
			return
		}
		d.reason = understudy.ReasonFallback
	}
	x.answerByLLM(d)
}

// read takes the whole body, or says why not.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) ([]byte, problem) {
	tooLarge := problem{413, "request_too_large", fmt.Sprintf("The request is larger than %d bytes; send less.", g.cfg.MaxBody), ""}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, problem{415, "unsupported_encoding", fmt.Sprintf("Content-Encoding %q is not understood here; send the body uncompressed.", e), ""}
	}
	if r.ContentLength > g.cfg.MaxBody {
		return nil, tooLarge
	}
	var raw []byte
	var err error
	if n := r.ContentLength; n >= 0 && n <= 1<<20 {
		raw = make([]byte, n)
		_, err = io.ReadFull(r.Body, raw)
	} else {
		raw, err = io.ReadAll(http.MaxBytesReader(w, r.Body, g.cfg.MaxBody))
	}
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, tooLarge
	case err != nil:
		return nil, problem{400, "body_cut_off", "The request's body ended before its announced length.", ""}
	}
	return raw, problem{}
}

// unknownModel sends a model that is no endpoint to the default upstream as it
// came, or says which endpoints there are.
func (g *Gateway) unknownModel(w http.ResponseWriter, r *http.Request, st *state, name string, raw []byte) {
	if g.fallback != nil {
		g.forwardUntouched(w, r, g.fallback, raw)
		return
	}
	names := strings.Join(slices.Sorted(maps.Keys(st.Endpoints)), ", ")
	if names == "" {
		names = "none yet; `understudy endpoints create` makes one"
	}
	g.fail(w, problem{404, "model_not_found", fmt.Sprintf("The model %q is no endpoint of Understudy. Endpoints: %s.", name, names), "model"})
}

func notConfigured(e understudy.Endpoint) problem {
	return problem{503, "upstream_not_configured", fmt.Sprintf("Endpoint %q uses the upstream %q, which is not configured; add it to the upstreams file or name another.", e.Name, e.Upstream), ""}
}

// ofDeletedEndpoint answers a key whose endpoint is gone. Its requests went to
// the upstream of that endpoint and must not go to another.
func ofDeletedEndpoint(name string) problem {
	return problem{404, "model_not_found", fmt.Sprintf("This key is for the endpoint %q, which was deleted; use the key of another one.", name), "model"}
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return "" // no random numbers: the request goes on uncaptured
	}
	return id.String()
}
