package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// EndpointPath names an endpoint. It is exported, as are the other parts of
// inputs, because Huma looks into exported fields only.
type EndpointPath struct {
	Endpoint string `path:"endpoint" doc:"The endpoint's name"`
}

func (a *API) endpointRoutes() {
	const tag = "Endpoints"
	handle(a, a.operation(http.MethodGet, "/endpoints", "list-endpoints", tag, "List endpoints", 200), a.listEndpoints)
	handle(a, a.operation(http.MethodPost, "/endpoints", "create-endpoint", tag, "Create an endpoint", 201), a.createEndpoint)
	handle(a, a.operation(http.MethodGet, "/endpoints/{endpoint}", "get-endpoint", tag, "Show an endpoint", 200), a.getEndpoint)
	handle(a, a.operation(http.MethodPatch, "/endpoints/{endpoint}", "update-endpoint", tag, "Change the given fields of an endpoint", 200), a.patchEndpoint)
	handle(a, a.operation(http.MethodDelete, "/endpoints/{endpoint}", "delete-endpoint", tag, "Delete an endpoint with its pairs and models", 202), a.deleteEndpoint)
	handle(a, a.operation(http.MethodPut, "/endpoints/{endpoint}/bypass", "bypass-endpoint", tag, "Send everything of an endpoint to the LLM, or end that", 200), a.bypassEndpoint)
	handle(a, a.operation(http.MethodGet, "/bypass", "get-bypass", tag, "Show whether everything goes to the LLM", 200), a.getBypass)
	handle(a, a.operation(http.MethodPut, "/bypass", "bypass-all", tag, "Send everything to the LLM, or end that", 200), a.bypassAll)
	handle(a, a.operation(http.MethodGet, "/upstreams", "list-upstreams", tag, "List the configured upstreams", 200), a.listUpstreams)
}

func (a *API) listEndpoints(ctx context.Context, in *PageInput) (*body[wire.Page[wire.Endpoint]], error) {
	list, err := a.DB.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	counters, err := a.DB.CountersAll(ctx)
	if err != nil {
		return nil, err
	}
	return paged(*in, list, func(e understudy.Endpoint) string { return e.Name },
		func(e understudy.Endpoint) wire.Endpoint { return endpointOf(e, counters[e.Name]) }), nil
}

func (a *API) getEndpoint(ctx context.Context, in *EndpointPath) (*body[wire.Endpoint], error) {
	e, err := a.endpoint(ctx, in.Endpoint)
	if err != nil {
		return nil, err
	}
	return a.showEndpoint(ctx, e)
}

// endpoint returns one that is not being deleted.
func (a *API) endpoint(ctx context.Context, name string) (understudy.Endpoint, error) {
	e, err := a.DB.Endpoint(ctx, name)
	if err == nil && e.DeletedAt != nil {
		return e, understudy.Errorf(understudy.NotFound, "endpoint %q is being deleted", name)
	}
	return e, err
}

func (a *API) showEndpoint(ctx context.Context, e understudy.Endpoint) (*body[wire.Endpoint], error) {
	c, err := a.DB.Counters(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	return answer(endpointOf(e, c)), nil
}

func (a *API) createEndpoint(ctx context.Context, in *struct{ Body wire.EndpointInput }) (*body[wire.Endpoint], error) {
	e := understudy.NewEndpoint(in.Body.Name, "", "", a.DefaultThreshold)
	for _, u := range a.Upstreams {
		if u.Default {
			e.Upstream = u.Name
		}
	}
	applyInput(&e, in.Body)
	if err := a.knownUpstream(e.Upstream); err != nil {
		return nil, err
	}
	e, err := a.DB.CreateEndpoint(ctx, e)
	if err != nil {
		return nil, err
	}
	a.rerouted(ctx, e.Name)
	return answer(endpointOf(e, understudy.Counters{})), nil
}

// knownUpstream says which upstreams there are where it is none of them.
func (a *API) knownUpstream(name string) error {
	var names []string
	for _, u := range a.Upstreams {
		names = append(names, u.Name)
	}
	switch {
	case slices.Contains(names, name):
		return nil
	case len(names) == 0:
		return understudy.Errorf(understudy.Invalid, "no upstream is configured: set OPENAI_API_KEY or UNDERSTUDY_UPSTREAMS_FILE and start again")
	case name == "":
		return understudy.Errorf(understudy.Invalid, "upstream is missing: name one of %s", strings.Join(names, ", "))
	}
	return understudy.Errorf(understudy.Invalid, "upstream %q is not configured; there are: %s", name, strings.Join(names, ", "))
}

func (a *API) patchEndpoint(ctx context.Context, in *struct {
	EndpointPath
	Body wire.EndpointInput
}) (*body[wire.Endpoint], error) {
	if in.Body.Name != "" && in.Body.Name != in.Endpoint {
		return nil, understudy.Errorf(understudy.Invalid, "name: an endpoint keeps its name; create another and delete this one")
	}
	e, err := a.DB.UpdateEndpoint(ctx, in.Endpoint, func(e *understudy.Endpoint) error {
		applyInput(e, in.Body)
		if in.Body.Upstream == nil {
			return nil
		}
		return a.knownUpstream(e.Upstream)
	})
	if err != nil {
		return nil, err
	}
	a.event(ctx, "endpoint.updated", e.Name, "", "Endpoint "+e.Name+" was changed")
	a.rerouted(ctx, e.Name)
	return a.showEndpoint(ctx, e)
}

func (a *API) deleteEndpoint(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	if err := a.DB.DeleteEndpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	a.rerouted(ctx, in.Endpoint)
	return nil, nil
}

func (a *API) bypassEndpoint(ctx context.Context, in *struct {
	EndpointPath
	Body wire.Bypass
}) (*body[wire.Bypass], error) {
	e, err := a.DB.UpdateEndpoint(ctx, in.Endpoint, func(e *understudy.Endpoint) error { e.Bypass = in.Body.Bypass; return nil })
	if err != nil {
		return nil, err
	}
	a.event(ctx, "endpoint.bypass", e.Name, "", bypassWords("Endpoint "+e.Name, e.Bypass))
	a.rerouted(ctx, e.Name)
	return answer(wire.Bypass{Bypass: e.Bypass}), nil
}

func (a *API) getBypass(ctx context.Context, _ *struct{}) (*body[wire.Bypass], error) {
	on, err := a.DB.Bypass(ctx)
	return answer(wire.Bypass{Bypass: on || len(a.switches()) > 0}), err
}

func (a *API) bypassAll(ctx context.Context, in *struct{ Body wire.Bypass }) (*body[wire.Bypass], error) {
	if err := a.DB.SetBypass(ctx, in.Body.Bypass); err != nil {
		return nil, err
	}
	a.rerouted(ctx)
	if on := a.switches(); !in.Body.Bypass && len(on) > 0 {
		a.event(ctx, "bypass", "", "", "Everything still goes to the LLM: "+strings.Join(on, ", and "))
		return answer(wire.Bypass{Bypass: true}), nil
	}
	a.event(ctx, "bypass", "", "", bypassWords("Everything", in.Body.Bypass))
	return answer(in.Body), nil
}

func (a *API) switches() []string {
	if a.Switches == nil {
		return nil
	}
	return a.Switches()
}

func bypassWords(what string, on bool) string {
	if on {
		return what + " goes to the LLM: bypass is on"
	}
	return what + " is routed again: bypass is off"
}

func (a *API) listUpstreams(_ context.Context, in *PageInput) (*body[wire.Page[wire.Upstream]], error) {
	return paged(*in, slices.Clone(a.Upstreams), func(u understudy.Upstream) string { return u.Name }, upstreamOf), nil
}

// event adds a line to the diary; losing one loses nothing else.
func (a *API) event(ctx context.Context, kind, endpoint, model, message string) {
	_ = a.DB.AppendEvent(context.WithoutCancel(ctx), understudy.Event{At: a.Now(), Kind: kind, Endpoint: endpoint, ModelID: model, Message: message})
}
