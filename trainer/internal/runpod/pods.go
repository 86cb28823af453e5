package runpod

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"understudy.dev/trainer/internal/crash"
)

var (
	createPoint = crash.At("runpod.create")
	deletePoint = crash.At("runpod.delete")
)

// Pods lists all pods of the account, clusters' apart.
func (c *Client) Pods(ctx context.Context) ([]Pod, error) {
	var list listPods
	err := c.get(ctx, "/pods", nil, &list)
	return list.Pods, wrap("list the pods", err)
}

// Named lists the pods that have this name. The API has no such filter.
func (c *Client) Named(ctx context.Context, name string) ([]Pod, error) {
	all, err := c.Pods(ctx)
	var found []Pod
	for _, p := range all {
		if p.Name == name && p.Status != Terminated {
			found = append(found, p)
		}
	}
	return found, err
}

// Pod reads one pod; see Gone.
func (c *Client) Pod(ctx context.Context, id string) (Pod, error) {
	var p Pod
	err := c.get(ctx, "/pods/"+url.PathEscape(id), nil, &p)
	return p, wrap("look at the pod "+id, err)
}

const createTries = 4

// lookups is how often a pod is looked for after a create whose outcome is
// unclear: what was made may take a moment to be listed.
const lookups = 3

// Create makes a pod, whose name nothing else may have. A request under way is
// finished even where ctx ends: a pod that nobody heard of would cost. There is no idempotency
// key, so after a request whose outcome is unclear the pod is looked for by its
// name before the request is repeated.
func (c *Client) Create(ctx context.Context, q CreatePod) (Pod, error) {
	var p Pod
	err := c.again(ctx, createTries, func() error {
		err := c.change(context.WithoutCancel(ctx), createPoint, http.MethodPost, "/pods", q, &p)
		if !unclear(err) {
			return err
		}
		slog.Warn("it is unclear whether a pod was created; it is looked for by its name", "pod", q.Name, "error", err)
		found, ferr := c.created(context.WithoutCancel(ctx), q.Name)
		if ferr != nil {
			return fmt.Errorf("%w (%w), and its pods cannot be listed (%w)", errUnknown, err, ferr)
		}
		if found == nil {
			return err
		}
		p = *found
		return nil
	})
	return p, wrap("create a pod", err)
}

// errUnknown keeps a create from being repeated blindly.
var errUnknown = errors.New("RunPod did not say whether it created the pod")

// created looks for a pod of this name, the oldest of several.
func (c *Client) created(ctx context.Context, name string) (*Pod, error) {
	for try := range lookups {
		if try > 0 && !sleep(ctx, firstPause) {
			return nil, context.Cause(ctx)
		}
		found, err := c.Named(ctx, name)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return oldest(found), nil
		}
	}
	return nil, nil
}

func oldest(pods []Pod) *Pod {
	first := &pods[0]
	for i := range pods {
		if pods[i].CreatedAt.Before(first.CreatedAt) {
			first = &pods[i]
		}
	}
	return first
}

// Delete ends a pod for good. One that is gone is no error.
func (c *Client) Delete(ctx context.Context, id string) error {
	err := c.again(ctx, readTries, func() error {
		return c.change(ctx, deletePoint, http.MethodDelete, "/pods/"+url.PathEscape(id), nil, nil)
	})
	if Gone(err) {
		return nil
	}
	return wrap("end the pod "+id, err)
}

// GPUs lists the catalogue with what is free for pods in a cloud.
func (c *Client) GPUs(ctx context.Context, cloud Cloud) ([]GPUType, error) {
	var list listGPUs
	err := c.get(ctx, "/catalog/gpus", url.Values{"include": {"AVAILABILITY"}, "product": {"POD"}, "cloud": {string(cloud)}}, &list)
	return list.GPUs, wrap("read the catalogue of GPUs", err)
}

// Volume reads a network volume; see Gone.
func (c *Client) Volume(ctx context.Context, id string) (Volume, error) {
	var v Volume
	err := c.get(ctx, "/network-volumes/"+url.PathEscape(id), nil, &v)
	return v, wrap("look at the network volume "+id, err)
}

// Billed returns what a pod cost in USD according to RunPod's bill since a
// time, and whether the bill knows the pod already.
func (c *Client) Billed(ctx context.Context, pod string, since time.Time) (usd float64, known bool, err error) {
	var list listBilling
	err = c.get(ctx, "/billing/pods", url.Values{"podId": {pod}, "bucketSize": {"hour"},
		"startTime": {since.Add(-time.Hour).UTC().Format(time.RFC3339)}, "endTime": {time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}, &list)
	for _, r := range list.Records {
		if r.PodID == pod {
			usd, known = usd+r.TotalAmount, true
		}
	}
	return usd, known, wrap("read the bill of the pod "+pod, err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
