// Package trainerclient speaks to the trainer, see ci/contract/trainer.json.
package trainerclient

import (
	"context"
	"net/http"
	"net/url"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/call"
	"understudy.dev/service/env"
)

// Client is safe for concurrent use.
type Client struct{ service call.Service }

// New returns a client of the trainer at baseURL.
func New(baseURL string, token env.Secret) *Client {
	return &Client{call.Service{Name: "the trainer", URL: baseURL, Token: token, Timeout: 15 * time.Second}}
}

// Put orders a training. Repeating an order is no error; an ID that stands for
// another order is a Conflict.
func (c *Client) Put(ctx context.Context, o understudy.TrainingOrder) (understudy.TrainingJob, error) {
	var j job
	err := c.service.JSON(ctx, http.MethodPut, jobPath(o.ID), specOf(o), &j)
	return j.domain(), err
}

// Get returns a job, or NotFound.
func (c *Client) Get(ctx context.Context, id string) (understudy.TrainingJob, error) {
	var j job
	err := c.service.JSON(ctx, http.MethodGet, jobPath(id), nil, &j)
	return j.domain(), err
}

// Delete cancels a job that runs, and removes one that is finished with its
// artefacts. A job that is not there is no error.
func (c *Client) Delete(ctx context.Context, id string) error {
	err := c.service.JSON(ctx, http.MethodDelete, jobPath(id), nil, nil)
	if understudy.CodeOf(err) == understudy.NotFound {
		return nil
	}
	return err
}

// Manifest reads the artefact manifest.json by its sha256.
func (c *Client) Manifest(ctx context.Context, sha256 string) (understudy.Manifest, error) {
	var m manifest
	err := c.service.JSON(ctx, http.MethodGet, "/v1/artifacts/"+url.PathEscape(sha256), nil, &m)
	return m.domain(), err
}

func jobPath(id string) string { return "/v1/jobs/" + url.PathEscape(id) }
