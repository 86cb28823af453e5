package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	understudy "understudy.dev/backend"
)

// Scale implements understudy.Runtime. version is the generation that was
// read; the update carries the resourceVersion of a Deployment that still has
// it, so that neither an autoscaler nor another leader is overruled.
func (r *Runtime) Scale(ctx context.Context, release string, replicas int, version string) error {
	deployments := r.client.AppsV1().Deployments(r.namespace)
	d, err := deployments.Get(ctx, release, metav1.GetOptions{})
	if err != nil {
		return said(release, err)
	}
	if fmt.Sprint(d.Generation) != version {
		return understudy.ErrStale
	}
	scale, err := deployments.GetScale(ctx, release, metav1.GetOptions{})
	if err != nil {
		return said(release, err)
	}
	scale.ResourceVersion = d.ResourceVersion
	scale.Spec.Replicas = int32(replicas)
	_, err = deployments.UpdateScale(ctx, release, scale, metav1.UpdateOptions{})
	return said(release, err)
}

// said turns the server's words into domain errors.
func said(release string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		return understudy.Errorf(understudy.NotFound, "there is no workload %s", release)
	case apierrors.IsConflict(err):
		return understudy.ErrStale
	}
	return fmt.Errorf("scale %s: %w", release, err)
}
