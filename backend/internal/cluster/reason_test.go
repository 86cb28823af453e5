package cluster

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	understudy "understudy.dev/backend"
)

func pod(edit func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Image: "slm:1"}}}}
	edit(p)
	return p
}

func waits(reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
}

func TestWhyADeploymentIsNotReady(t *testing.T) {
	oom := func(p *corev1.Pod) {
		waits("CrashLoopBackOff", "back-off 10s")(p)
		p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
	}
	cases := map[string]struct {
		condition string
		pods      []*corev1.Pod
		says      string
	}{
		"the image cannot be pulled":        {"", []*corev1.Pod{pod(waits("ImagePullBackOff", "not found"))}, "image slm:1 cannot be pulled (ImagePullBackOff): not found"},
		"a Secret is missing":               {"", []*corev1.Pod{pod(waits("CreateContainerConfigError", `secret "x" not found`))}, `secret "x" not found`},
		"memory ran out":                    {"", []*corev1.Pod{pod(oom)}, "raise slm.values.resources.limits.memory"},
		"the quota has no room":             {`pods "x" is forbidden: exceeded quota: q, requested: cpu=1`, nil, "raise the quota"},
		"Pod Security says no":              {`pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot`, nil, "Pod Security refuses its pod"},
		"it starts as it should":            {"", []*corev1.Pod{pod(waits("ContainerCreating", ""))}, ""},
		"a pod that goes does not count":    {"", []*corev1.Pod{pod(func(p *corev1.Pod) { oom(p); p.DeletionTimestamp = &metav1.Time{} })}, ""},
		"the node has no room":              {"", []*corev1.Pod{pod(unschedulable)}, "No node has room for its pod: 0/1 nodes are available: 1 Insufficient cpu."},
		"its volume is not there":           {"", []*corev1.Pod{pod(withoutClaim)}, `The volume of its pod is not there: persistentvolumeclaim "slm-models" not found`},
		"it was evicted, a younger one not": {"", []*corev1.Pod{pod(func(p *corev1.Pod) { p.Status.Reason, p.Status.Message = "Evicted", "low on disk" }), pod(waits("ContainerCreating", ""))}, "evicted: low on disk"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &appsv1.Deployment{}
			if c.condition != "" {
				d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: c.condition}}
			}
			s := deploymentState(d, c.pods)
			if !s.Exists || s.Ready != 0 || s.Replicas != 1 {
				t.Errorf("%+v", s)
			}
			if c.says == "" && s.Reason != "" || !strings.Contains(s.Reason, c.says) {
				t.Errorf("it says %q", s.Reason)
			}
		})
	}
}

func unschedulable(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available: 1 Insufficient cpu."}}
}

func withoutClaim(p *corev1.Pod) {
	unschedulable(p)
	p.Status.Conditions[0].Message = `persistentvolumeclaim "slm-models" not found`
}

func TestARolloutThatIsStuckSaysWhyThoughTheOldPodIsReady(t *testing.T) {
	pods := []*corev1.Pod{pod(func(p *corev1.Pod) { p.Status.ContainerStatuses[0].Ready = true }), pod(withoutClaim)}
	d := &appsv1.Deployment{Status: appsv1.DeploymentStatus{Replicas: 2, ReadyReplicas: 1, UpdatedReplicas: 1, UnavailableReplicas: 1}}
	if s := deploymentState(d, pods); s.Ready != 1 || !strings.Contains(s.Reason, "The volume of its pod is not there") {
		t.Errorf("%+v", s)
	}
	d.Status = appsv1.DeploymentStatus{Replicas: 1, ReadyReplicas: 1, UpdatedReplicas: 1}
	if s := deploymentState(d, pods); s.Ready != 1 || s.Reason != "" {
		t.Errorf("rolled out: %+v", s)
	}
}

func TestReadyPodsOfAnOlderSpecDoNotCount(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Status: appsv1.DeploymentStatus{ObservedGeneration: 2, ReadyReplicas: 1}}
	if s := deploymentState(d, nil); s.Ready != 0 || s.Version != "3" {
		t.Errorf("%+v", s)
	}
	d.Status.ObservedGeneration = 3
	if s := deploymentState(d, nil); s.Ready != 1 {
		t.Errorf("%+v", s)
	}
}

func TestHowAJobDoes(t *testing.T) {
	done := func(kind batchv1.JobConditionType) *batchv1.Job {
		return &batchv1.Job{Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue, Message: "BackoffLimitExceeded"}}}}
	}
	crash := pod(func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0].State.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Message: "no base\n"}
	})
	for name, c := range map[string]struct {
		job  *batchv1.Job
		pods []*corev1.Pod
		want understudy.WorkloadState
	}{
		"done":            {done(batchv1.JobComplete), nil, understudy.WorkloadState{Exists: true, Replicas: 1, Version: "0", Succeeded: true}},
		"given up":        {done(batchv1.JobFailed), nil, understudy.WorkloadState{Exists: true, Replicas: 1, Version: "0", Failed: true, Reason: "BackoffLimitExceeded"}},
		"given up, why":   {done(batchv1.JobFailed), []*corev1.Pod{crash}, understudy.WorkloadState{Exists: true, Replicas: 1, Version: "0", Failed: true, Reason: "It ended and is started again: it ended with code 1: no base"}},
		"still under way": {&batchv1.Job{}, nil, understudy.WorkloadState{Exists: true, Replicas: 1, Version: "0"}},
	} {
		if got := jobState(c.job, c.pods); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
