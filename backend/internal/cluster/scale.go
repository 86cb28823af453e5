package cluster

import (
	"context"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	understudy "understudy.dev/backend"
)

// Scale implements understudy.Runtime. version is the generation that was
// read; the update carries the resourceVersion of a Deployment that still has
// it, so that neither an autoscaler nor another leader is overruled. A
// resourceVersion also moves with every change of the status, a generation
// only with what is wanted: a conflict is stale only if that has moved.
func (r *Runtime) Scale(ctx context.Context, release string, replicas int, version string) error {
	deployments := r.client.AppsV1().Deployments(r.namespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		d, err := deployments.Get(ctx, release, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if fmt.Sprint(d.Generation) != version {
			return understudy.ErrStale
		}
		_, err = deployments.UpdateScale(ctx, release, &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Name: release, Namespace: r.namespace, ResourceVersion: d.ResourceVersion},
			Spec:       autoscalingv1.ScaleSpec{Replicas: int32(replicas)},
		}, metav1.UpdateOptions{})
		return err
	})
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
