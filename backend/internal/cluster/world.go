package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	understudy "understudy.dev/backend"
)

// World implements understudy.Observer: it asks the server for everything in
// the namespace, from its watch cache.
func (r *Runtime) World(ctx context.Context) (understudy.World, error) {
	var pods *corev1.PodList
	var services *corev1.ServiceList
	var claims *corev1.PersistentVolumeClaimList
	var jobs *batchv1.JobList
	var endpoints *discoveryv1.EndpointSliceList
	cached := metav1.ListOptions{ResourceVersion: "0"}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { pods, err = r.client.CoreV1().Pods(r.namespace).List(ctx, cached); return err })
	g.Go(func() (err error) {
		services, err = r.client.CoreV1().Services(r.namespace).List(ctx, cached)
		return err
	})
	g.Go(func() (err error) {
		claims, err = r.client.CoreV1().PersistentVolumeClaims(r.namespace).List(ctx, cached)
		return err
	})
	g.Go(func() (err error) { jobs, err = r.client.BatchV1().Jobs(r.namespace).List(ctx, cached); return err })
	g.Go(func() (err error) {
		endpoints, err = r.client.DiscoveryV1().EndpointSlices(r.namespace).List(ctx, cached)
		return err
	})
	if err := g.Wait(); err != nil {
		return understudy.World{}, &understudy.Error{Code: understudy.Unavailable, Message: "Kubernetes does not tell what runs", Err: err}
	}
	var w understudy.World
	for i := range pods.Items {
		w.Pods = append(w.Pods, podSeen(&pods.Items[i]))
	}
	ready := readyBehind(endpoints.Items)
	for _, s := range services.Items {
		w.Services = append(w.Services, understudy.ServiceSeen{Name: s.Name, Address: addressOf(s), Ready: ready[s.Name]})
	}
	for _, c := range claims.Items {
		w.Volumes = append(w.Volumes, claimSeen(c))
	}
	for i := range jobs.Items {
		w.Jobs = append(w.Jobs, jobSeen(&jobs.Items[i]))
	}
	slices.SortFunc(w.Pods, func(a, b understudy.PodSeen) int { return strings.Compare(a.Name, b.Name) })
	return w, nil
}

func podSeen(p *corev1.Pod) understudy.PodSeen {
	seen := understudy.PodSeen{Name: p.Name, App: p.Labels["app"], Phase: string(p.Status.Phase), Node: p.Spec.NodeName, Reason: podReason(p)}
	if seen.App == "slm-inference" {
		seen.Release = releaseOf(p)
	}
	if p.DeletionTimestamp != nil {
		seen.Phase = "Terminating"
	}
	if p.Status.StartTime != nil {
		seen.StartedAt = &p.Status.StartTime.Time
	}
	for _, c := range p.Status.Conditions {
		seen.Ready = seen.Ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}
	for _, c := range p.Status.ContainerStatuses {
		seen.Restarts += int(c.RestartCount)
	}
	if seen.Ready || p.Status.Phase == corev1.PodSucceeded {
		seen.Reason = ""
	}
	return seen
}

func readyBehind(list []discoveryv1.EndpointSlice) map[string]int {
	out := map[string]int{}
	for _, s := range list {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				out[s.Labels[discoveryv1.LabelServiceName]]++
			}
		}
	}
	return out
}

func addressOf(s corev1.Service) string {
	var ports []string
	for _, p := range s.Spec.Ports {
		ports = append(ports, fmt.Sprint(p.Port))
	}
	return s.Spec.ClusterIP + ":" + strings.Join(ports, ",")
}

func claimSeen(c corev1.PersistentVolumeClaim) understudy.VolumeSeen {
	v := understudy.VolumeSeen{Name: c.Name, Phase: string(c.Status.Phase)}
	if size, ok := c.Status.Capacity[corev1.ResourceStorage]; ok {
		v.Capacity = size.Value()
	} else if size, ok := c.Spec.Resources.Requests[corev1.ResourceStorage]; ok {
		v.Capacity = size.Value()
	}
	if c.Spec.StorageClassName != nil {
		v.Where = *c.Spec.StorageClassName
	}
	return v
}

func jobSeen(j *batchv1.Job) understudy.JobSeen {
	seen := understudy.JobSeen{Name: j.Name, Kind: j.Labels["app"], State: "running"}
	if seen.Kind == "slm-inference" {
		seen.Kind = "evaluation"
	}
	if j.Status.StartTime != nil {
		seen.StartedAt = &j.Status.StartTime.Time
	}
	switch s := jobState(j, nil); {
	case s.Succeeded:
		seen.State = "succeeded"
	case s.Failed:
		seen.State, seen.Reason = "failed", s.Reason
	}
	return seen
}
