package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"understudy.dev/backend/internal/wire"
)

// Status is what a monitor shows.
func (c *Client) Status(ctx context.Context) (wire.Status, error) {
	return Get[wire.Status](ctx, c, "/status")
}

// Endpoints lists every endpoint.
func (c *Client) Endpoints(ctx context.Context) ([]wire.Endpoint, error) {
	return all[wire.Endpoint](ctx, c, "/endpoints", nil)
}

// Endpoint returns one endpoint.
func (c *Client) Endpoint(ctx context.Context, name string) (wire.Endpoint, error) {
	return Get[wire.Endpoint](ctx, c, "/endpoints/"+url.PathEscape(name))
}

// CreateEndpoint creates an endpoint.
func (c *Client) CreateEndpoint(ctx context.Context, in wire.EndpointInput) (wire.Endpoint, error) {
	return Do[wire.Endpoint](ctx, c, http.MethodPost, "/endpoints", in)
}

// Models lists models, of one endpoint or ("") of all.
func (c *Client) Models(ctx context.Context, endpoint string) ([]wire.Model, error) {
	if endpoint == "" {
		return all[wire.Model](ctx, c, "/models", nil)
	}
	return all[wire.Model](ctx, c, "/endpoints/"+url.PathEscape(endpoint)+"/models", nil)
}

// Model returns one model by id or name.
func (c *Client) Model(ctx context.Context, id string) (wire.Model, error) {
	return Get[wire.Model](ctx, c, "/models/"+url.PathEscape(id))
}

// Train starts a new version.
func (c *Client) Train(ctx context.Context, endpoint string) (wire.Model, error) {
	return Do[wire.Model](ctx, c, http.MethodPost, "/endpoints/"+url.PathEscape(endpoint)+"/train", nil)
}

// Act asks for deploy, undeploy, evaluate, retry or retire.
func (c *Client) Act(ctx context.Context, id, verb string, body any) (wire.Model, error) {
	return Do[wire.Model](ctx, c, http.MethodPost, "/models/"+url.PathEscape(id)+"/"+verb, body)
}

// Evaluations lists a model's verdicts, newest first.
func (c *Client) Evaluations(ctx context.Context, id string) ([]wire.Evaluation, error) {
	return all[wire.Evaluation](ctx, c, "/models/"+url.PathEscape(id)+"/evaluations", nil)
}

// Pairs returns a page of an endpoint's pairs, their texts cut.
func (c *Client) Pairs(ctx context.Context, endpoint string, filter url.Values) (wire.Page[wire.Pair], error) {
	return Get[wire.Page[wire.Pair]](ctx, c, "/endpoints/"+url.PathEscape(endpoint)+"/pairs?"+filter.Encode())
}

// Keys lists client keys.
func (c *Client) Keys(ctx context.Context) ([]wire.Key, error) {
	return all[wire.Key](ctx, c, "/keys", nil)
}

// CreateKey makes a client key and returns its secret, once.
func (c *Client) CreateKey(ctx context.Context, in wire.KeyInput) (wire.Key, error) {
	return Do[wire.Key](ctx, c, http.MethodPost, "/keys", in)
}

// SetBypass sends everything to the LLM, of one endpoint or ("") of all.
func (c *Client) SetBypass(ctx context.Context, endpoint string, on bool) (wire.Bypass, error) {
	path := "/bypass"
	if endpoint != "" {
		path = "/endpoints/" + url.PathEscape(endpoint) + "/bypass"
	}
	return Do[wire.Bypass](ctx, c, http.MethodPut, path, wire.Bypass{Bypass: on})
}

// Pair returns one pair, whole.
func (c *Client) Pair(ctx context.Context, id string) (wire.Pair, error) {
	return Get[wire.Pair](ctx, c, "/pairs/"+url.PathEscape(id))
}

// Answers returns a page of an evaluation's answers.
func (c *Client) Answers(ctx context.Context, id string, attempt int, filter url.Values) (wire.Page[wire.EvalAnswer], error) {
	return Get[wire.Page[wire.EvalAnswer]](ctx, c, fmt.Sprintf("/models/%s/evaluations/%d/answers?%s", url.PathEscape(id), attempt, filter.Encode()))
}

// Compare puts a request to both sides of an endpoint.
func (c *Client) Compare(ctx context.Context, endpoint string, in wire.CompareInput) (wire.Comparison, error) {
	return Do[wire.Comparison](ctx, c, http.MethodPost, "/endpoints/"+url.PathEscape(endpoint)+"/compare", in)
}

// Savings is the ledger of the last days, of one endpoint or ("") of all.
func (c *Client) Savings(ctx context.Context, endpoint string, days int) (wire.Savings, error) {
	return Get[wire.Savings](ctx, c, "/savings?"+url.Values{"endpoint": {endpoint}, "days": {strconv.Itoa(days)}}.Encode())
}

// World is what runs the platform.
func (c *Client) World(ctx context.Context) (wire.World, error) {
	return Get[wire.World](ctx, c, "/world")
}

// Traffic is the requests of all endpoints by time.
func (c *Client) Traffic(ctx context.Context, minutes int) (wire.Traffic, error) {
	return Get[wire.Traffic](ctx, c, "/traffic?minutes="+strconv.Itoa(minutes))
}

// EventPage is a page of the diary, newest first.
func (c *Client) EventPage(ctx context.Context, filter url.Values) (wire.Page[wire.Event], error) {
	return Get[wire.Page[wire.Event]](ctx, c, "/events?"+filter.Encode())
}

// all reads every page of a list.
func all[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "200")
	var out []T
	for {
		page, err := Get[wire.Page[T]](ctx, c, path+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.Next == "" {
			return out, nil
		}
		query.Set("cursor", page.Next)
	}
}
