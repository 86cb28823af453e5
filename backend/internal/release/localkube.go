package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"helm.sh/helm/v3/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/localnode"
)

// localKube is Helm's view of the local node.
type localKube struct {
	ctx       context.Context
	node      *localnode.Client
	namespace string
}

var _ kube.Interface = localKube{}

func refOf(o *resource.Info) localnode.Ref {
	return localnode.Ref{Kind: o.Mapping.GroupVersionKind.Kind, Name: o.Name}
}

// IsReachable implements kube.Interface.
func (k localKube) IsReachable() error {
	_, err := k.node.Objects(k.ctx)
	return err
}

// Build implements kube.Interface. Helm calls Get on every object before it
// creates some, so each gets a client that can do that and nothing else.
func (k localKube) Build(r io.Reader, _ bool) (kube.ResourceList, error) {
	objects, err := decode(r)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	var out kube.ResourceList
	for _, u := range objects {
		info, err := k.info(u)
		if err != nil {
			return nil, err
		}
		out.Append(info)
	}
	return out, nil
}

func (k localKube) info(u *unstructured.Unstructured) (*resource.Info, error) {
	gvk := u.GroupVersionKind()
	if u.GetNamespace() == "" {
		u.SetNamespace(k.namespace)
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	gv := gvk.GroupVersion()
	client, err := rest.RESTClientFor(&rest.Config{
		Host: "http://localnode", APIPath: "/apis",
		ContentConfig: rest.ContentConfig{GroupVersion: &gv, NegotiatedSerializer: resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer},
		Transport:     getter{k, localnode.Ref{Kind: gvk.Kind, Name: u.GetName()}},
	})
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", gvk.Kind, u.GetName(), err)
	}
	return &resource.Info{
		Client: client, Namespace: u.GetNamespace(), Name: u.GetName(), Object: u,
		Mapping: &meta.RESTMapping{Resource: plural, GroupVersionKind: gvk, Scope: meta.RESTScopeNamespace},
	}, nil
}

// getter answers a GET with the recorded object, or Kubernetes's NotFound.
type getter struct {
	kube localKube
	ref  localnode.Ref
}

func (g getter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return nil, fmt.Errorf("the local node takes no %s through a REST client", req.Method)
	}
	status := http.StatusOK
	body, err := g.kube.node.Get(g.kube.ctx, g.ref)
	switch {
	case understudy.CodeOf(err) == understudy.NotFound:
		status = http.StatusNotFound
		body, err = json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
			Status: metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound, Message: g.ref.Kind + "/" + g.ref.Name + " not found"})
		if err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}, nil
}

func (k localKube) apply(list kube.ResourceList) error {
	for _, info := range list {
		b, err := json.Marshal(info.Object)
		if err == nil {
			err = k.node.Apply(k.ctx, refOf(info), b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Create implements kube.Interface.
func (k localKube) Create(list kube.ResourceList) (*kube.Result, error) {
	return &kube.Result{Created: list}, k.apply(list)
}

// Update implements kube.Interface.
func (k localKube) Update(original, target kube.ResourceList, _ bool) (*kube.Result, error) {
	if err := k.apply(target); err != nil {
		return &kube.Result{}, err
	}
	dropped := original.Difference(target)
	_, errs := k.Delete(dropped)
	return &kube.Result{Updated: target, Deleted: dropped}, errors.Join(errs...)
}

// Delete implements kube.Interface.
func (k localKube) Delete(list kube.ResourceList) (*kube.Result, []error) {
	var errs []error
	for _, info := range list {
		if err := gone(k.node.Delete(k.ctx, refOf(info))); err != nil {
			errs = append(errs, err)
		}
	}
	return &kube.Result{Deleted: list}, errs
}

// The chart has no hooks and nothing waits for readiness here.

var errNoWait = errors.New("the local node's Helm client waits for nothing; watch the Runtime instead")

func (k localKube) Wait(kube.ResourceList, time.Duration) error            { return errNoWait }
func (k localKube) WaitWithJobs(kube.ResourceList, time.Duration) error    { return errNoWait }
func (k localKube) WatchUntilReady(kube.ResourceList, time.Duration) error { return errNoWait }
func (k localKube) WaitAndGetCompletedPodPhase(string, time.Duration) (corev1.PodPhase, error) {
	return corev1.PodUnknown, errNoWait
}
