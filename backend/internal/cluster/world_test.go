package cluster

import (
	"log/slog"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	understudy "understudy.dev/backend"
)

func named(name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "ns", Labels: labels}
}

func TestTheWorldIsWhatTheNamespaceHolds(t *testing.T) {
	started := metav1.NewTime(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	client := fake.NewClientset(
		&corev1.Pod{ObjectMeta: named("slm-a-v1-x", map[string]string{"app": "slm-inference", labelRelease: "slm-a-v1"}), Spec: corev1.PodSpec{NodeName: "n1"},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &started, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
				ContainerStatuses: []corev1.ContainerStatus{{RestartCount: 2}}}},
		&corev1.Pod{ObjectMeta: named("backend-1", map[string]string{"app": "backend"}), Status: corev1.PodStatus{Phase: corev1.PodPending,
			ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}}}}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere", Namespace: "other"}},
		&corev1.Service{ObjectMeta: named("backend-service", nil), Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.9", Ports: []corev1.ServicePort{{Port: 8000}}}},
		slice("one", "backend-service", func(s *discoveryv1.EndpointSlice) {
			s.Endpoints = []discoveryv1.Endpoint{endpoint("10.0.0.1", true, false), endpoint("10.0.0.2", false, false)}
		}),
		&corev1.PersistentVolumeClaim{ObjectMeta: named("training-store", nil), Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To("fast")},
			Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}},
		&batchv1.Job{ObjectMeta: named("slm-a-v2-e1", map[string]string{"app": "slm-inference"}), Status: batchv1.JobStatus{Active: 1, StartTime: &started}},
		&batchv1.Job{ObjectMeta: named("understudy-secrets", nil), Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}},
	)
	r, err := NewRuntime(client, "ns", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := r.World(t.Context())
	if err != nil || len(w.Pods) != 2 || len(w.Services) != 1 || len(w.Volumes) != 1 || len(w.Jobs) != 2 {
		t.Fatalf("got %+v, %v", w, err)
	}
	if p := w.Pods[0]; p.Name != "backend-1" || p.Ready || p.Reason == "" || p.Phase != "Pending" {
		t.Errorf("got %+v", p)
	}
	if p := w.Pods[1]; p.Release != "slm-a-v1" || !p.Ready || p.Restarts != 2 || p.Node != "n1" || !p.StartedAt.Equal(started.Time) {
		t.Errorf("got %+v", p)
	}
	if w.Services[0] != (understudy.ServiceSeen{Name: "backend-service", Address: "10.0.0.9:8000", Ready: 1}) {
		t.Errorf("got %+v", w.Services[0])
	}
	if w.Volumes[0] != (understudy.VolumeSeen{Name: "training-store", Phase: "Bound", Capacity: 1 << 30, Where: "fast"}) {
		t.Errorf("got %+v", w.Volumes[0])
	}
	states := map[string]string{}
	for _, j := range w.Jobs {
		states[j.Name] = j.Kind + " " + j.State
	}
	if states["slm-a-v2-e1"] != "evaluation running" || states["understudy-secrets"] != " succeeded" {
		t.Errorf("got %v", states)
	}
}
